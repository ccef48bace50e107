"""Settings: environment variables with the prefix `PLANKTON_`, or a `.env` file.

Built once per process by the command line and passed down. No module reads the environment itself.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    SettingsConfigDict,
)

from plankton_stream.addresses import host_port
from plankton_stream.errors import ConfigError
from plankton_stream.stack.ready import READY_FILE

_PREFIX = "PLANKTON_"
# Variables with our prefix that are no settings.
_OTHERS = {READY_FILE, "PLANKTON_TEST_DATA"}


class Settings(BaseSettings):
    """Everything a process can be told. A part whose URL is set is used as it is, not started."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=".env", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    home: Path = Field(
        default=Path(".plankton"),
        description="Folder that holds all state of the local stack.",
    )
    disk_mb: int = Field(
        default=0,
        ge=0,
        description="Disk that this folder may take, MB: a warning comes before it is spent. 0: "
        "all that the disk has.",
    )

    kafka: str = Field(
        default="",
        description="An existing Kafka cluster, host:port[,host:port]. Empty: start a local "
        "broker.",
    )
    kafka_port: int = Field(
        default=9092,
        ge=1,
        le=65534,
        description="Port of the local broker (the next one up is its controller's).",
    )
    kafka_heap_mb: int = Field(
        default=384, ge=128, description="Java heap of the local broker, MB."
    )
    kafka_disk_mb: int = Field(
        default=4096,
        ge=64,
        description="Disk that the frames topic may take, MB; the ROI topic gets the same.",
    )
    replication: int = Field(
        default=1,
        ge=1,
        le=32767,
        description="Copies of each topic; 3 on a cluster of three or more.",
    )

    milvus: str = Field(
        default="",
        description="An existing Milvus, http://host:port. Empty: start the embedded server.",
    )
    milvus_port: int = Field(
        default=19530, ge=1, le=65535, description="Port of the embedded Milvus."
    )
    milvus_token: str = Field(
        default="", description="user:password or token of an existing Milvus.", repr=False
    )

    search_candidates: int = Field(
        default=0,
        ge=0,
        le=16384,
        description="Two-stage search: fewest candidates by binary codes, vectors on disk. 0: one "
        "stage, in memory.",
    )

    catalog: str = Field(
        default="",
        description="SQLAlchemy URL of the catalog, e.g. postgresql+psycopg://user@host/db. Empty: "
        "SQLite under home.",
        repr=False,
    )
    images: str = Field(
        default="",
        description="Where image bytes are kept, an fsspec URL, e.g. s3://bucket/plankton. Empty: "
        "a folder under home.",
    )

    segmentation: str = Field(
        default="",
        description="TOML file that says how each camera's frames are cut, see segmentation.md. "
        "Empty: the same defaults for all.",
    )

    encoder: str = Field(
        default="compact",
        description="What turns images into vectors on a new catalog: compact, inceptionresnetv2, "
        "resnet50, either of these with -256, or a .keras file. Later: `plankton encoder publish`.",
    )
    encoder_weights: str = Field(
        default="shipped",
        description="Weights of that encoder: shipped (compact only), imagenet (downloaded by "
        "Keras; not of compact), random, or a .weights.h5 path.",
    )
    encoder_store: str = Field(
        default="",
        description="Where the weights of every encoder version are kept, an fsspec URL. Empty: a "
        "folder under home.",
    )
    embed_batch: int = Field(
        default=32, ge=1, le=1024, description="Most ROIs embedded in one step."
    )
    embed_host: str = Field(
        default="127.0.0.1", description="Address that the embed worker's endpoint binds."
    )
    embed_port: int = Field(
        default=8081,
        ge=1,
        le=65535,
        description="Port of the embed worker's endpoint (query images, health, metrics).",
    )
    embed_url: str = Field(
        default="",
        description="Where the web page reaches an embed worker. Empty: the address and port "
        "above.",
    )

    auth: Literal["", "none", "login"] = Field(
        default="",
        description="Who may use the page: login (accounts, see `plankton people`), or none, on a "
        "loopback address only. Empty: `plankton up` takes none.",
    )
    web_host: str = Field(default="127.0.0.1", description="Address that the web server binds.")
    web_names: str = Field(
        default="",
        description="Names by which browsers may call it where there is a login, e.g. "
        "plankton.example.org,plankton. Addresses and localhost always may.",
    )
    web_proxy: bool = Field(
        default=False,
        description="A reverse proxy stands in front: its X-Forwarded-For and X-Forwarded-Proto "
        "are believed. Nobody else may reach the port then.",
    )
    web_port: int = Field(default=8080, ge=1, le=65535, description="Port of the web server.")
    web_threads: int = Field(
        default=16, ge=2, le=256, description="Requests that are served at once."
    )
    web_streams: int = Field(
        default=64,
        ge=1,
        le=512,
        description="Open pages that are told at once what happens, each by a thread; others ask "
        "every second.",
    )
    user: str = Field(
        default="local", description="Who labels when there is no login; written into the history."
    )

    camera: str = Field(
        default="sim-1",
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$",
        description="Id of the simulated camera that `plankton up` starts.",
    )
    camera_rate: float = Field(
        default=6.0,
        ge=0,
        le=1000,
        description="Frames a second of that camera; 0 starts no camera.",
    )
    camera_seed: int = Field(default=0, ge=0, description="Seed of what that camera sees.")
    spool_mb: int = Field(
        default=4096,
        ge=32,
        description="Disk that each live camera may take for frames that Kafka has not taken yet, "
        "MB.",
    )

    camera_silent_s: int = Field(
        default=30,
        ge=10,
        description="Seconds without a word after which a camera that did not stop raises an "
        "alert.",
    )
    census_window_s: int = Field(
        default=300, ge=1, description="Length of a census window in seconds of capture time."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe message that is logged."
    )

    @property
    def kafka_bootstrap(self) -> str:
        """`host:port[,host:port]` of the event log, existing or local."""
        return self.kafka or f"127.0.0.1:{self.kafka_port}"

    @property
    def milvus_uri(self) -> str:
        """URI of the vector index, existing or local."""
        return self.milvus or f"http://127.0.0.1:{self.milvus_port}"

    @property
    def catalog_url(self) -> str:
        """SQLAlchemy URL of the catalog, existing or the local SQLite file."""
        return self.catalog or f"sqlite:///{self.home.resolve() / 'catalog.sqlite'}"

    @property
    def images_url(self) -> str:
        """Fsspec URL of the image store, existing or the local folder."""
        return self.images or f"file://{self.home.resolve() / 'images'}"

    @property
    def encoder_store_url(self) -> str:
        """Fsspec URL of the encoders' weights, existing or the local folder."""
        return self.encoder_store or f"file://{self.home.resolve() / 'encoders'}"

    @property
    def embed_endpoint(self) -> str:
        """Base URL of an embed worker's HTTP endpoint."""
        return self.embed_url or f"http://{host_port(self.embed_host, self.embed_port)}"

    @property
    def web_url(self) -> str:
        """Base URL of the page."""
        return f"http://{host_port(self.web_host, self.web_port)}"


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        ConfigError: a variable is no setting, or has a value that its field does not allow; the
            message names it, and never shows the value of one that may hold a password.
    """
    _refuse_unknown()
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            _problem(str(i["loc"][0]), i["msg"], i["input"]) for i in error.errors()
        )
        # Not `from error`: its text has every input.
        raise ConfigError(f"Settings: {problems}. See .env.example for what each allows.") from None


def _problem(field: str, message: str, given: object) -> str:
    shown = f" (got {given!r})" if Settings.model_fields[field].repr else ""
    return f"{_PREFIX}{field.upper()}: {message}{shown}"


def _refuse_unknown() -> None:
    """A misspelt name must not be taken for a setting that was made."""
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields}
    sources = (EnvSettingsSource(Settings), DotEnvSettingsSource(Settings))
    given = {name.upper() for source in sources for name in source.env_vars}
    for name in sorted(given - known - _OTHERS):
        if name.startswith(_PREFIX):
            (nearest,) = get_close_matches(name, known, n=1, cutoff=0)
            raise ConfigError(
                f"Settings: {name} is none; do you mean {nearest}? See .env.example for all."
            )

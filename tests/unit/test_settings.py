"""Settings: what they are, that they are documented, and what a wrong one says."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from plankton_stream.errors import ConfigError
from plankton_stream.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # a developer's .env is not read
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PLANKTON_{name.upper()}", raising=False)


def documented() -> dict[str, tuple[str, str]]:
    """Default and meaning of each setting as it should be documented."""
    return {
        f"PLANKTON_{name.upper()}": (str(field.default), str(field.description))
        for name, field in Settings.model_fields.items()
    }


def test_the_table_in_the_documentation_is_complete_and_true() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(PLANKTON_\w+)` \| (?:`(.*?)`)? *\| (.*) \|$", text, re.MULTILINE)
    assert {name: (default, meaning) for name, default, meaning in rows} == documented()


def test_the_example_is_complete_and_true() -> None:
    """Each line is commented out and shows the default: a copy of the file changes nothing."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    entries = re.findall(r"^# (.+)\n#(PLANKTON_\w+)=(.*)$", text, re.MULTILINE)
    assert {name: (default, meaning) for meaning, name, default in entries} == documented()


def test_every_setting_is_described() -> None:
    for name, (_, meaning) in documented().items():
        assert meaning.endswith("."), name


def test_without_any_variable_all_is_local() -> None:
    settings = load_settings()
    assert settings.kafka_bootstrap == "127.0.0.1:9092"
    assert settings.milvus_uri == "http://127.0.0.1:19530"
    assert settings.catalog_url.startswith("sqlite:////")
    assert settings.images_url.startswith("file:///")
    assert settings.embed_endpoint == "http://127.0.0.1:8081"


def test_a_url_takes_the_place_of_the_local_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANKTON_KAFKA", "a:1,b:2")
    monkeypatch.setenv("PLANKTON_CATALOG", "postgresql+psycopg://u@h/d")
    settings = load_settings()
    assert settings.kafka_bootstrap == "a:1,b:2"
    assert settings.catalog_url == "postgresql+psycopg://u@h/d"


def test_an_empty_variable_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANKTON_WEB_PORT", "")
    assert load_settings().web_port == 8080


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEB_PORT", "0"), ("WEB_PORT", "http"), ("KAFKA_PORT", "65535"),
        ("CAMERA", "My Camera"), ("AUTH", "basic"), ("CAMERA_RATE", "-1"),
        ("LOG_LEVEL", "LOUD"), ("CENSUS_WINDOW_S", "0"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"PLANKTON_{name}", value)
    with pytest.raises(ConfigError, match=rf"PLANKTON_{name}: .*{value}.*\.env\.example"):
        load_settings()


def test_a_misspelt_name_is_named_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PLANKTON_WEBPORT=1\n")
    with pytest.raises(ConfigError, match=r"PLANKTON_WEBPORT .*PLANKTON_WEB_PORT\?"):
        load_settings()
    (tmp_path / ".env").unlink()
    monkeypatch.setenv("PLANKTON_MILVUS_TOKN", "s3cret")
    with pytest.raises(
        ConfigError, match=r"PLANKTON_MILVUS_TOKN .*PLANKTON_MILVUS_TOKEN\?"
    ) as told:
        load_settings()
    assert "s3cret" not in str(told.value)


def test_variables_of_others_are_no_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=s3cret\nplankton_web_port=1234\n")
    monkeypatch.setenv("PLANKTON_READY_FILE", "x")
    monkeypatch.setenv("PLANKTON_TEST_DATA", "x")
    assert load_settings().web_port == 1234


def test_settings_cannot_be_changed_and_hide_passwords() -> None:
    settings = Settings(milvus_token="root:secret", catalog="postgresql://u:secret@h/d")
    assert "secret" not in repr(settings)
    with pytest.raises(ValidationError):
        settings.web_port = 1  # type: ignore[misc]

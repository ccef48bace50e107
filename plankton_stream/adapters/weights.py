"""The encoder store: the weights of every version that was ever live or published.

A file is named by the SHA-256 of its bytes, so it never changes, and storing it again is harmless.
"""

import hashlib
import tempfile
from pathlib import Path

import fsspec

from plankton_stream.domain import new_id
from plankton_stream.errors import ConfigError, RetryableError


class WeightsStore:
    """Weights files under an fsspec URL, e.g. `file:///data/encoders` or `s3://bucket/encoders`."""

    def __init__(self, url: str) -> None:
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ConfigError(f"PLANKTON_ENCODER_STORE {url!r}: {error}") from error
        self._url = url

    def put(self, file: Path) -> str:
        """Store a copy of a file, whole or not at all; returns the name that finds it again.

        Raises:
            RetryableError: the store does not take it now (away, full).
        """
        # Keras insists on the whole ending.
        ending = ".weights.h5" if file.name.endswith(".weights.h5") else file.suffix
        name = _sha256(file) + ending
        target = f"{self._root}/{name}"
        try:
            if not self._fs.exists(target):
                self._fs.makedirs(self._root, exist_ok=True)
                part = f"{self._root}/.{new_id()}"
                self._fs.put_file(str(file), part)
                self._fs.mv(part, target)
        except OSError as error:
            raise RetryableError(f"encoder store {self._url}: {name}: {error}") from error
        return name

    def fetch(self, name: str) -> Path:
        """A stored file on this machine; one from elsewhere lies in a temporary folder.

        Raises:
            ConfigError: the store does not have it, or it was changed.
            RetryableError: the store does not answer.
        """
        source = f"{self._root}/{name}"
        if "file" in self._fs.protocol:
            file = Path(source)
        else:
            file = Path(tempfile.mkdtemp(prefix="plankton-encoder-")) / name
        try:
            if file != Path(source):
                self._fs.get_file(source, str(file))
            is_whole = _sha256(file) == name.partition(".")[0]
        except FileNotFoundError as error:
            raise ConfigError(
                f"the encoder store {self._url} has no {name}: bring the file back from a backup, "
                "or set PLANKTON_ENCODER_STORE to where it is"
            ) from error
        except OSError as error:
            raise RetryableError(f"encoder store {self._url}: {name}: {error}") from error
        if not is_whole:
            raise ConfigError(f"{name} in the encoder store {self._url} was changed or is damaged")
        return file


def _sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()

"""The encoder store: the weights of every version that was ever live or published.

A file is named by the SHA-256 of its bytes, so it never changes, and storing it again is harmless.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import fsspec

from plankton_stream.adapters.files import sweep, write_whole
from plankton_stream.domain import new_id
from plankton_stream.errors import ConfigError, RetryableError

_PARTS = ".parts"


class WeightsStore:
    """Weights files under an fsspec URL, e.g. `file:///data/encoders` or `s3://bucket/encoders`.

    In a folder of this machine a file is forced to the disk before it gets its name: the catalog is
    told of it next, and must not survive a power cut that the file does not.
    """

    def __init__(self, url: str) -> None:
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ConfigError(f"PLANKTON_ENCODER_STORE {url!r}: {error}") from error
        self._url = url
        self._parts = Path(self._root, _PARTS) if "file" in self._fs.protocol else None
        if self._parts:
            sweep(self._parts)

    def put(self, file: Path) -> str:
        """Store a copy of a file, whole or not at all; returns the name that finds it again.

        Raises:
            RetryableError: the store does not take it now (away, full).
        """
        name = _sha256(file) + file.suffix
        target = f"{self._root}/{name}"
        try:
            if self._fs.exists(target):
                return name
            if self._parts:
                with file.open("rb") as data:
                    write_whole(self._parts / new_id(), Path(target), data)
                _force_to_disk(Path(self._root))
            else:
                self._fs.put_file(str(file), target)  # object stores write whole objects
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


def _force_to_disk(folder: Path) -> None:
    """Make the names in a folder survive a power cut: a file's own bytes are not enough."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()

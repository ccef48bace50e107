"""The image store on a folder or on S3, through fsspec."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import fsspec

from plankton_stream.domain import IMAGE_TYPES, new_id
from plankton_stream.errors import ConfigError, NotFoundError, RejectedError, RetryableError


class FileImageStore:
    """`ImageStore` under an fsspec URL, e.g. `file:///data/images` or `s3://bucket/plankton`.

    Images lie in 1,024 folders by the last two characters of their id, which are part of a hash
    and so fill the folders evenly.
    """

    def __init__(self, url: str) -> None:
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ConfigError(f"PLANKTON_IMAGES {url!r}: {error}") from error
        self._url = url
        self._is_local = "file" in self._fs.protocol

    def put(self, image_id: str, content_type: str, data: bytes) -> None:
        """See `ImageStore.put`."""
        path = self._path(image_id, content_type)
        try:
            if self._is_local:
                # Beside its final name, then renamed: a reader sees the whole file or none.
                self._fs.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
                # Under a name of its own: two workers may write the same image at once.
                part = f"{path}.{new_id()}.part"
                self._fs.pipe_file(part, data)
                self._fs.mv(part, path)
            else:
                self._fs.pipe_file(path, data)  # object stores write whole objects
        except OSError as error:
            raise RetryableError(
                f"image store {self._url}: {image_id} not written: {error}"
            ) from error

    def get(self, image_id: str, content_type: str) -> bytes:
        """See `ImageStore.get`."""
        try:
            data: bytes = self._fs.cat_file(self._path(image_id, content_type))
        except FileNotFoundError as error:
            raise NotFoundError(f"the image store has no bytes of {image_id}") from error
        except OSError as error:
            raise RetryableError(f"image store {self._url}: {image_id}: {error}") from error
        return data

    def ids(self) -> Iterator[str]:
        """See `ImageStore.ids`."""
        for path in self._fs.find(self._root):
            name = PurePosixPath(path)
            if name.suffix != ".part":
                yield name.stem

    def _path(self, image_id: str, content_type: str) -> str:
        extension = IMAGE_TYPES.get(content_type)
        if extension is None:
            raise RejectedError(
                f"content type {content_type!r}: allowed are {', '.join(IMAGE_TYPES)}"
            )
        return f"{self._root}/{image_id[-2:]}/{image_id}.{extension}"

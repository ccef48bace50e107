"""Small pictures, kept in memory: a page of the bench shows hundreds of them at once."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from plankton_stream import images as pixels
from plankton_stream.errors import NotFoundError, RejectedError
from plankton_stream.images import Pixels
from plankton_stream.ports import ImageStore

_READERS = 8
"""Files that are read at once: an object store answers each only after a while."""


class Thumbnails:
    """Pictures scaled down, the last used ones kept.

    They are kept by the hash of the image's bytes: bytes that were replaced are another picture.
    """

    def __init__(self, most_bytes: int = 128 * 1024 * 1024) -> None:
        """Nothing is read yet.

        Args:
            most_bytes: of pixels that are kept.
        """
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, int], Pixels] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="thumbnails")

    def get(
        self, store: ImageStore, sources: Mapping[str, tuple[str, str]], size_px: int
    ) -> dict[str, Pixels]:
        """Pictures by image id; images without readable bytes are left out.

        Args:
            store: has the bytes.
            sources: content type and SHA-256 by image id.
            size_px: longest side.

        Raises:
            RetryableError: the store does not answer.
        """
        found = self._known(sources, size_px)
        missing = [image_id for image_id in sources if image_id not in found]

        def read(some: Sequence[str]) -> list[tuple[str, Pixels | None]]:
            return [(i, _read(store, i, sources[i][0], size_px)) for i in some]

        # Few tasks of many files: handing over each file would cost more than reading it.
        share = -(-len(missing) // _READERS) or 1
        tasks = [missing[start : start + share] for start in range(0, len(missing), share)]
        for part in self._readers.map(read, tasks):
            for image_id, picture in part:
                if picture is not None:
                    found[image_id] = picture
                    self._keep((sources[image_id][1], size_px), picture)
        return found

    def _known(self, sources: Mapping[str, tuple[str, str]], size_px: int) -> dict[str, Pixels]:
        found = {}
        with self._lock:
            for image_id, (_, sha256) in sources.items():
                key = (sha256, size_px)
                if key in self._kept:
                    self._kept.move_to_end(key)
                    found[image_id] = self._kept[key]
        return found

    def _keep(self, key: tuple[str, int], picture: Pixels) -> None:
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = picture
            self._bytes += picture.nbytes
            while self._bytes > self._most_bytes:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes


def _read(store: ImageStore, image_id: str, content_type: str, size_px: int) -> Pixels | None:
    try:
        data = store.get(image_id, content_type)
        small = pixels.thumbnail(pixels.decode(data, content_type), size_px)
    except (NotFoundError, RejectedError):
        return None  # the tile says so; the audit finds it
    return small.copy() if small.base is not None else small  # not a view of something large

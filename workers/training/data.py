"""Labelled images to train on, split by rule, held in memory once."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import Image as CatalogImage
from plankton_stream.domain import LabelState
from plankton_stream.errors import ConfigError, RejectedError
from plankton_stream.images import decode
from plankton_stream.ports import ImageFilter, ImageStore
from workers.encoders.preprocessing import Image, shrink_to
from workers.images import labelled_folder, read_image

Split = Literal["held back", "test", "validation", "train"]

CACHED_PX = 160
"""Longest side of images in memory: twice what the compact network sees, so that enlarging loses
nothing."""


def split_of(file_name: str) -> Split:
    """Return the split of a file: first byte of the SHA-1 of its name, modulo 10.

    0 is held back, 1 test, 2 validation, the rest train. The rule needs no list and does not move
    when files are added, so that anyone with the same images has the same split. Images of the
    catalog are split by their id.
    """
    digest = hashlib.sha1(file_name.encode(), usedforsecurity=False).digest()
    special: dict[int, Split] = {0: "held back", 1: "test", 2: "validation"}
    return special.get(digest[0] % 10, "train")


@dataclass(frozen=True)
class LabelledRois:
    """Images of one split.

    Attributes:
        images: n images, uint8, as the trainee wants them.
        classes: (n,) int64, index into `names`.
        names: the classes of all splits together, sorted.
    """

    images: list[Image]
    classes: NDArray[np.int64]
    names: list[str]

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """Images of each class, (len(names),)."""
        return np.bincount(self.classes, minlength=len(self.names))


@dataclass(frozen=True)
class Source:
    """Where labelled images come from.

    Attributes:
        about: for the model card.
        items: name of the file or id, class, and what reads the pixels, of each image.
    """

    about: str
    items: Sequence[tuple[str, str, Callable[[], Image]]]

    def splits(
        self, *wanted: Split, see: Callable[[Image], Image], longest_px: int = CACHED_PX
    ) -> tuple[LabelledRois, ...]:
        """Read some of the splits.

        Args:
            wanted: which.
            see: what is kept of an image.
            longest_px: shrink what is longer, to save memory and time in augmentation.

        Raises:
            ConfigError: a split is empty, there are less than two classes, or images cannot be
                read.
        """
        names = sorted({name for _, name, _ in self.items})
        if len(names) < 2:
            raise ConfigError(
                f"{self.about}: there is nothing to tell apart in {len(names)} class: training "
                "takes at least two."
            )
        index = {name: row for row, name in enumerate(names)}
        rois: dict[Split, tuple[list[Image], list[int]]] = {split: ([], []) for split in wanted}
        unreadable = []
        for file_name, name, read in self.items:
            split = split_of(file_name)
            if split in rois:
                try:
                    image = see(read())
                except RejectedError as error:
                    unreadable.append(f"{file_name}: {error}")
                    continue
                rois[split][0].append(shrink_to(image, longest_px))
                rois[split][1].append(index[name])
        self._require(rois, unreadable)
        return tuple(
            LabelledRois(images, np.array(classes, dtype=np.int64), names)
            for images, classes in rois.values()
        )

    def _require(self, rois: dict[Split, tuple[list[Image], list[int]]], bad: list[str]) -> None:
        if bad:
            raise ConfigError(
                f"{self.about}: {len(bad)} images cannot be read, for example {bad[0]}. Remove or "
                "mend them."
            )
        for split, (images, _) in rois.items():
            if not images:
                raise ConfigError(
                    f"{self.about}: there is no {split} image among {len(self.items)}; a file's "
                    "split is a rule of its name (see docs/encoder.md), so give more images."
                )


def from_folder(folder: Path) -> Source:
    """Images of `folder/<class>/<image>`.

    Raises:
        ConfigError: there are none.
    """
    found = labelled_folder(folder)
    return Source(
        f"folder {folder.resolve().name}",
        [
            (path.rpartition("/")[2], found.names[row], _reader(folder / path))
            for path, row in zip(found.paths, found.classes, strict=True)
        ],
    )


def from_catalog(catalog: Catalog, store: ImageStore) -> Source:
    """All images that people have named, by their taxon.

    Raises:
        ConfigError: there are none.
    """
    items = []
    for image in _validated(catalog):
        read = _store_reader(store, image.image_id, image.content_type)
        items.append((image.image_id, image.naming.taxon or "", read))
    if not items:
        raise ConfigError("No image is validated yet: label some in the page, then train.")
    return Source(f"{len(items)} labels of the catalog", items)


def _validated(catalog: Catalog) -> Iterator[CatalogImage]:
    cursor: str | None = None
    while True:
        page = catalog.images.page(
            ImageFilter(state=LabelState.VALIDATED), limit=1_000, cursor=cursor
        )
        yield from page.images
        cursor = page.next_cursor
        if cursor is None:
            return


def _reader(path: Path) -> Callable[[], Image]:
    return lambda: read_image(path)


def _store_reader(store: ImageStore, image_id: str, content_type: str) -> Callable[[], Image]:
    return lambda: decode(store.get(image_id, content_type), content_type)

"""Labelled images to train on, split by rule, held in memory once."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

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

log = logging.getLogger(__name__)

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
        pixel_um: n sizes of a pixel, None where unknown.
    """

    images: list[Image]
    classes: NDArray[np.int64]
    names: list[str]
    pixel_um: list[float | None]

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """Images of each class, (len(names),)."""
        return np.bincount(self.classes, minlength=len(self.names))

    @property
    def fingerprint(self) -> str:
        """Tells other images, or other names, from these: 16 hex digits."""
        digest = hashlib.sha256(repr(self.names).encode() + self.classes.tobytes())
        for image in self.images:
            digest.update(image[0].tobytes())
        return digest.hexdigest()[:16]


class Item(NamedTuple):
    """One labelled image of a source: its file's name or its id, its class, and its pixels."""

    name: str
    label: str
    read: Callable[[], Image]
    pixel_um: float | None = None


@dataclass(frozen=True)
class Source:
    """Where labelled images come from.

    Attributes:
        about: for the model card.
        items: the images.
        skip_unreadable: leave out what cannot be read instead of refusing.
    """

    about: str
    items: Sequence[Item]
    skip_unreadable: bool = False

    def count(self, split: Split) -> int:
        """How many images a split has."""
        return sum(split_of(item.name) == split for item in self.items)

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
        names = sorted({item.label for item in self.items})
        if len(names) < 2:
            raise ConfigError(
                f"{self.about}: there is nothing to tell apart in {len(names)} class: training "
                "takes at least two."
            )
        index = {name: row for row, name in enumerate(names)}
        rois = {split: LabelledRois([], np.empty(0, np.int64), names, []) for split in wanted}
        classes: dict[Split, list[int]] = {split: [] for split in wanted}
        unreadable = []
        for item in self.items:
            split = split_of(item.name)
            if split in rois:
                try:
                    image = see(item.read())
                except RejectedError as error:
                    unreadable.append(f"{item.name}: {error}")
                    continue
                rois[split].images.append(shrink_to(image, longest_px))
                rois[split].pixel_um.append(item.pixel_um)
                classes[split].append(index[item.label])
        self._require(rois, unreadable)
        return tuple(
            replace(part, classes=np.array(classes[split], dtype=np.int64))
            for split, part in rois.items()
        )

    def _require(self, rois: dict[Split, LabelledRois], bad: list[str]) -> None:
        if bad and not self.skip_unreadable:
            raise ConfigError(
                f"{self.about}: {len(bad)} images cannot be read, for example {bad[0]}. Remove or "
                "mend them, or leave them out with --skip-unreadable."
            )
        if bad:
            log.warning("%d images cannot be read and are left out: %s", len(bad), "; ".join(bad))
        for split, part in rois.items():
            if not part.images:
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
            Item(path.rpartition("/")[2], found.names[row], _reader(folder / path))
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
        pixel_um = image.capture.pixel_size_um
        items.append(Item(image.image_id, image.naming.taxon or "", read, pixel_um))
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

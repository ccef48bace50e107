"""Deleting images everywhere, so that a kill in the middle leaves nothing that can't be found.

The reverse of how they came: vectors and bytes first, the catalog's rows last, because they are
the list of what is still to be deleted. Whatever is written meanwhile by a worker that had not
noticed is deleted by that worker, which looks again after it wrote.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from plankton_stream.adapters.sql import Catalog, Scope
from plankton_stream.ports import ImageFilter, ImageStore, VectorIndex
from plankton_stream.samples import Deletion

_PAGE = 500

NamedBytes = tuple[str, str]
"""Image id and content type: how the image store knows an image."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where images are.

    Attributes:
        indexes: of all encoder versions whose vectors are kept.
    """

    catalog: Catalog
    store: ImageStore
    indexes: Sequence[VectorIndex]


def erase(
    gone: Iterable[NamedBytes], places: Places, *, who: str, why: str | None,
    deletion_id: str | None = None,
) -> None:  # fmt: skip
    """Delete images everywhere; those that are nowhere any more are skipped.

    Args:
        gone: at most some thousands.
        places: where.
        who: deletes them.
        why: for a person.
        deletion_id: the deletion that counts them.

    Raises:
        RetryableError: a part does not answer; the same call again goes on.
    """
    gone = list(gone)
    ids = [image_id for image_id, _ in gone]
    for index in places.indexes:
        index.remove(ids)
    for image_id, content_type in gone:
        places.store.remove(image_id, content_type)
    places.catalog.deletions.forget_images(ids, who=who, why=why, deletion_id=deletion_id)


def delete_sample(
    scope: Scope, places: Places, *, who: str, why: str | None,
    progress: Callable[[int], None] = lambda _images: None,
) -> Deletion:  # fmt: skip
    """Delete a sample everywhere, for good, and keep a record of it.

    From its first moment on workers index nothing of the sample any more: what is in the topics, or
    is sent later, is left out. Broken off, the same call goes on.

    Args:
        scope: the sample, of one camera or of all.
        places: where.
        who: deletes it.
        why: for a person.
        progress: told how many images are deleted.

    Raises:
        RetryableError: a part does not answer; the same call again goes on.
    """
    deletion = places.catalog.deletions.begin(scope, who=who, why=why)
    images = 0
    for page in places.catalog.walks.images(scope, page=_PAGE):
        erase(
            [(image.image_id, image.content_type) for image in page], places,
            who=deletion.who, why=deletion.why, deletion_id=deletion.deletion_id,
        )  # fmt: skip
        images += len(page)
        progress(images)
    places.catalog.deletions.forget_frames(deletion)
    for index in places.indexes:
        _sweep(index, ImageFilter(camera=scope.camera, sample=scope.sample))
    return places.catalog.deletions.end(deletion)


def _sweep(index: VectorIndex, where: ImageFilter) -> None:
    """Delete vectors whose rows are gone: written between the two steps of `erase`."""
    ids = iter(list(index.ids(where)))
    while page := list(islice(ids, _PAGE)):
        index.remove(page)

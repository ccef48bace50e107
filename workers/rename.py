"""The label-index worker: what images are called, from the catalog into the vector index."""

from collections.abc import Callable, Sequence

from plankton_stream.adapters.sql import Catalog
from plankton_stream.domain import Image
from plankton_stream.events.envelope import Received
from plankton_stream.events.facts import read_label_event
from plankton_stream.ports import Publisher, VectorIndex
from workers.loop import examine, publish_rejections


class LabelIndexWorker:
    """Handles batches of the label topic."""

    name = "/workers/labels"

    def __init__(
        self,
        indexes: Callable[[], Sequence[VectorIndex]],
        catalog: Catalog,
        publisher: Publisher,
    ) -> None:
        """Connect to nothing yet.

        Args:
            indexes: those of all encoder versions whose vectors are kept, asked for each batch.
            catalog: the truth about names.
            publisher: for dead letters.
        """
        self._indexes = indexes
        self._catalog = catalog
        self._publisher = publisher

    def handle(self, batch: Sequence[Received]) -> None:
        """Bring the indexes up to date for the images that a batch speaks of.

        Events say which images changed; what they are called comes from the catalog, so a late or
        repeated event can't bring back an old name.

        Raises:
            RetryableError: a part does not answer.
        """
        events, rejections = examine(batch, read_label_event)
        ids = {event.image_id for event in events}
        images = list(self._catalog.images.get(sorted(ids)).values())
        for index in self._indexes():
            index.rename(images)
            bring_names_up_to_date(images, self._catalog, index)
        publish_rejections(rejections, self._publisher, consumer=self.name)
        self._publisher.flush()


def bring_names_up_to_date(written: Sequence[Image], catalog: Catalog, index: VectorIndex) -> None:
    """Check that names written to the index still hold, and write those that changed meanwhile.

    An image that was deleted meanwhile is taken out of the index again.

    Whoever writes an image's name reads it from the catalog, writes, and reads again. So of two
    writers at the same moment, whichever writes last has the last name or comes back to write it.

    Args:
        written: images as they were written.
        catalog: the truth about names.
        index: where they were written.
    """
    while written:
        current = catalog.images.get([image.image_id for image in written])
        gone = [image.image_id for image in written if image.image_id not in current]
        if gone:
            index.remove(gone)
        versions = {image.image_id: image.label_version for image in written}
        written = [i for i in current.values() if i.label_version != versions[i.image_id]]
        index.rename(written)

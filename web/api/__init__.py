"""The operations of the API, by subject."""

from web.api import encoders, images, labels, queues, search, state, taxa
from web.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    *state.OPERATIONS,
    *images.OPERATIONS,
    *search.OPERATIONS,
    *labels.OPERATIONS,
    *taxa.OPERATIONS,
    *queues.OPERATIONS,
    *encoders.OPERATIONS,
)

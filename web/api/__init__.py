"""The operations of the API, by subject."""

from web.api import encoders, images, labels, search, state, taxa
from web.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    *state.OPERATIONS,
    *images.OPERATIONS,
    *search.OPERATIONS,
    *labels.OPERATIONS,
    *taxa.OPERATIONS,
    *encoders.OPERATIONS,
)

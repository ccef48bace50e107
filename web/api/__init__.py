"""The operations of the API, by subject."""

from web.api import (
    claims,
    encoders,
    events,
    images,
    labels,
    mapping,
    opinions,
    people,
    progress,
    queues,
    review,
    search,
    state,
    surroundings,
    taxa,
    thumbnails,
)
from web.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    *state.OPERATIONS,
    *images.OPERATIONS,
    *thumbnails.OPERATIONS,
    *surroundings.OPERATIONS,
    *search.OPERATIONS,
    *labels.OPERATIONS,
    *taxa.OPERATIONS,
    *queues.OPERATIONS,
    *claims.OPERATIONS,
    *encoders.OPERATIONS,
    *people.OPERATIONS,
    *events.OPERATIONS,
    *review.OPERATIONS,
    *opinions.OPERATIONS,
    *progress.OPERATIONS,
    *mapping.OPERATIONS,
)

"""What an image may be: votes of its nearest validated neighbours.

Pure: distances and names in, a proposal out. A distance is cosine = 1 - cos, of vectors of
length 1.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence

from pydantic import Field

from plankton_stream.domain import ImageId, Record, Slug

VOTERS = 20
"""Most validated neighbours that vote. 10 to 40 do alike on PlanktonSet's validation images."""
EVIDENCE = 3
"""Voters that are shown with a proposal."""

# Chosen on PlanktonSet's validation images with `benchmarks/labelling.py`; see docs/adr/0016.
_REACH = 0.04  # the distance over which a vote falls to 1/e
_DOUBT_AT = 0.08  # something unknown, at this distance, always votes against
_UNLABELLED_DOUBT = 2.0  # an unlabelled neighbour may be anything: it counts as so many against


class Voter(Record):
    """A validated image that speaks for a taxon."""

    image_id: ImageId
    taxon: Slug
    distance: float = Field(ge=0, description="Cosine distance to the image in question.")


class Proposal(Record):
    """What the votes say. All fields that could flatter are shares of all votes and doubts."""

    taxon: Slug
    score: float = Field(ge=0, le=1, description="Share of the votes; 1 is certain.")
    margin: float = Field(ge=0, le=1, description="Score less that of the runner-up.")
    evidence: tuple[Voter, ...] = Field(description="The nearest that speak for it, nearest first.")


def vote(
    voters: Sequence[Voter], unlabelled: Sequence[float], rejected: Collection[str] = ()
) -> Proposal | None:
    """The taxon that the neighbours speak for; None if none of them may be proposed.

    A neighbour at distance d votes with exp(-d / 0.04). As long as few images have names, almost
    everything is nearest to something wrong; so what has no name yet votes against every taxon.

    Args:
        voters: the nearest validated images, nearest first; the first `VOTERS` vote.
        unlabelled: distances of unlabelled neighbours; those among the `VOTERS` nearest of both
            kinds count as doubt.
        rejected: taxa that somebody said this image is not.
    """
    heard = voters[:VOTERS]
    votes: defaultdict[str, float] = defaultdict(float)
    for voter in heard:
        votes[voter.taxon] += _weight(voter.distance)
    total = sum(votes.values()) + _weight(_DOUBT_AT) + _doubt(heard, unlabelled)
    allowed = sorted((-votes[taxon], taxon) for taxon in votes if taxon not in rejected)
    if not allowed:
        return None
    (best, taxon), runner_up = allowed[0], allowed[1][0] if len(allowed) > 1 else 0.0
    return Proposal(
        taxon=taxon, score=-best / total, margin=(runner_up - best) / total,
        evidence=tuple(voter for voter in heard if voter.taxon == taxon)[:EVIDENCE],
    )  # fmt: skip


def crowd(distances: Sequence[float]) -> float:
    """How densely unlabelled images lie around one: the sum of exp(-d / 0.06), 0 or more."""
    return sum(math.exp(-distance / _CROWD_REACH) for distance in distances)


_CROWD_REACH = 0.06


def _weight(distance: float) -> float:
    return math.exp(-distance / _REACH)


def _doubt(heard: Sequence[Voter], unlabelled: Sequence[float]) -> float:
    near = sorted([(voter.distance, False) for voter in heard] + [(d, True) for d in unlabelled])
    return _UNLABELLED_DOUBT * sum(_weight(d) for d, is_unknown in near[:VOTERS] if is_unknown)

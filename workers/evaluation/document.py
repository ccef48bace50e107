"""What `plankton evaluate --json` writes: the whole of an evaluation, for programs.

`python -m workers.evaluation.document` prints its JSON Schema. Figures are 0..1. Names may be added
to this format; a change that breaks a reader gets another `format`.
"""

import json
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Part):
    """A mean over queries and its 95% interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Curve(_Part):
    """A figure against something: lists of one length."""

    x: list[int]
    value: list[float]
    low: list[float]
    high: list[float]


class Figures(_Part):
    """How well queries found their class."""

    name: str = Field(description="Which queries search which gallery.")
    queries: int
    left_out: int = Field(description="Queries without an image of their class in the gallery.")
    gallery: int = Field(description="Images that each query searches.")
    precision_at_1: Interval
    hit_at_5: Interval
    map_at_10: Interval
    map_at_100: Interval
    precision_at_1_by_class: float = Field(description="Mean over classes of the class's mean.")
    map_at_10_by_class: float = Field(description="Mean over classes of the class's mean.")


class ClassFigures(_Part):
    """One class, as its own queries found it."""

    name: str
    queries: int
    possible: int = Field(description="Images of the class that a query can find.")
    precision_at_1: float
    hit_at_5: float
    map_at_10: Interval


class Example(_Part):
    """A query and the wrong image nearest to it: paths below their folders."""

    query: str
    found: str
    distance: float = Field(description="1 - cos.")


class Confusion(_Part):
    """Queries of one class whose nearest image is of another."""

    query_class: str
    found_class: str
    count: int
    share: float = Field(description="Of the queries of that class.")
    examples: list[Example] = Field(description="At most three, the nearest first.")


class SearchFigures(_Part):
    """One way to search the same vectors."""

    name: str
    kind: Literal["exact", "random", "learned", "index"]
    bits: int | None = Field(description="Length of the codes of a Hamming search.")
    map_at_10: float
    map_at_100: float
    recall_at_10: float = Field(description="Share of the exact first 10 that are found.")
    recall_at_100: float = Field(description="Share of the exact first 100 that are found.")
    ms: float = Field(description="Median time of one query alone, milliseconds.")
    bytes_per_image: int = Field(description="What a search reads, computed from the method.")


class EncoderFigures(_Part):
    """An encoder and its figures."""

    label: str = Field(description="Its name in plots.")
    id: str
    name: str
    version: str
    weights_sha256: str = Field(description="First 16 hex digits.")
    input_size_px: int
    dimension: int
    preprocessing: str
    figures: list[Figures] = Field(description="The queries as they are first.")
    map_at_k: Curve = Field(description="x is k.")
    blur: Curve | None = Field(description="mAP@10; x is the kernel's side in pixels.")
    classes: list[ClassFigures] = Field(description="The most abundant first.")
    confusions: list[Confusion] = Field(description="The most frequent first.")


class Data(_Part):
    """What was judged."""

    name: str = Field(description="The folder's own name.")
    split: str = Field(description="test, validation, train or all.")
    split_rule: str
    gallery: str | None = Field(description="Of another folder, its name; else leave-one-out.")
    images: int
    classes: int
    single: int = Field(description="Classes with one image.")
    unlabelled: int = Field(description="Images without a class folder, left out.")
    unreadable: list[str] = Field(description="Files that were left out, and why.")
    fit: int = Field(description="Images that learned codes were fitted on, none of them judged.")


class Evaluation(_Part):
    """An evaluation."""

    format: Literal["plankton-evaluation/1"] = "plankton-evaluation/1"
    made_at: datetime = Field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    version: str = Field(description="Of plankton-stream.")
    command: str
    data: Data
    encoders: list[EncoderFigures]
    methods: list[SearchFigures] = Field(description="On the vectors of the first encoder.")


if __name__ == "__main__":
    print(json.dumps(Evaluation.model_json_schema(), indent=1))  # noqa: T201

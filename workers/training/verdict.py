"""Whether a new encoder is better than another, on images that neither was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from workers.encoders.identity import Encoder
from workers.encoders.preprocessing import Image
from workers.evaluation.intervals import bootstrap
from workers.evaluation.ranking import nearest
from workers.evaluation.retrieval import DEPTH, Judged, judge


class Verdict(StrEnum):
    """What a comparison says, by mAP@10 and its 95% interval."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "no clear difference"


@dataclass(frozen=True)
class Figures:
    """Retrieval figures of one encoder, each image searching the others: all 0..1."""

    encoder: str
    precision_at_1: float
    hit_at_5: float
    map_at_10: float
    map_at_100: float

    def __str__(self) -> str:
        return (
            f"{self.encoder}: P@1 {self.precision_at_1:.3f}, hit@5 {self.hit_at_5:.3f}, "
            f"mAP@10 {self.map_at_10:.3f}, mAP@100 {self.map_at_100:.3f}"
        )


@dataclass(frozen=True)
class Comparison:
    """A new encoder beside the one it may replace.

    Attributes:
        queries: images that had another one of their class to find.
        new: figures of the new encoder.
        old: figures of the other one.
        gain: mAP@10 of the new one less that of the old, and its 95% interval.
    """

    queries: int
    new: Figures
    old: Figures
    gain: tuple[float, float, float]

    @property
    def verdict(self) -> Verdict:
        """What the interval of the gain allows to say."""
        _, low, high = self.gain
        if low > 0:
            return Verdict.BETTER
        return Verdict.WORSE if high < 0 else Verdict.UNDECIDED

    def __str__(self) -> str:
        gain, low, high = self.gain
        return (
            f"{self.queries} held-out images, each searching the others:\n"
            f"  new  {self.new}\n  old  {self.old}\n"
            f"  mAP@10 {gain:+.3f} (95% interval {low:+.3f} to {high:+.3f}): {self.verdict}"
        )


def compare(
    new: Encoder,
    old: Encoder,
    images: Sequence[Image],
    classes: NDArray[np.int64],
    pixel_um: Sequence[float | None] | None = None,
) -> Comparison:
    """Let each image search the others with both encoders.

    Args:
        new: the one in question.
        old: the one it may replace.
        images: as an embed worker gets them, of either polarity.
        classes: (n,) integers; at least one class has two images.
        pixel_um: sizes of their pixels, as for `Encoder.encode`.
    """
    vectors = [encoder.encode(images, pixel_um) for encoder in (new, old)]
    judged = [_judged(each, classes) for each in vectors]
    gains = judged[0].average_precision_at(10) - judged[1].average_precision_at(10)
    mean, low, high = bootstrap(gains[:, None])[:, 0]
    return Comparison(
        len(gains),
        _figures(new, judged[0]),
        _figures(old, judged[1]),
        (float(mean), float(low), float(high)),
    )


def _judged(vectors: NDArray[np.float32], classes: NDArray[np.int64]) -> Judged:
    return judge(nearest(vectors, vectors, DEPTH, within=True), classes, classes, within=True)


def _figures(encoder: Encoder, judged: Judged) -> Figures:
    return Figures(
        encoder.identity.id,
        float(judged.precision_at_1.mean()),
        float(judged.hit_at_5.mean()),
        float(judged.average_precision_at(10).mean()),
        float(judged.average_precision_at(DEPTH).mean()),
    )

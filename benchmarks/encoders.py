"""Images a second of each encoder, beside `keras.Model.predict` on the same images.

    python benchmarks/encoders.py [--batch 32] [--seconds 5] [--encoder NAME ...]

Weights are random where none ship: they change no timing. `encode` includes preprocessing; the
column beside it calls `predict` batch by batch, as one would at first, on the same preprocessing.
"""

import time
from collections.abc import Callable
from typing import Annotated

import cv2
import numpy as np
import typer

from workers.encoders import ENCODERS, load_encoder
from workers.encoders.inference import KerasEncoder
from workers.encoders.preprocessing import Image


def drawn_rois(count: int) -> list[Image]:
    """Return ROIs of the sizes that cameras give: 30 to 200 px, dark on light."""
    rng = np.random.default_rng(0)
    rois = []
    for height, width in rng.integers(30, 200, size=(count, 2)):
        roi = np.full((height, width), 225, np.uint8)
        centre, axes = (int(width) // 2, int(height) // 2), (int(width) // 4, int(height) // 3)
        rois.append(np.asarray(cv2.ellipse(roi, centre, axes, 30, 0, 360, 80, -1), np.uint8))
    return rois


def images_per_second(step: Callable[[], object], images: int, seconds: float) -> float:
    """Run a step, once unmeasured, then for at least this long."""
    step()
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        step()
        steps += 1
    return steps * images / (time.perf_counter() - start)


def figures(encoder: KerasEncoder, rois: list[Image], seconds: float) -> str:
    """Return an encoder's line of the table."""
    identity = encoder.identity

    def predict() -> object:
        pictures = encoder.prepare(rois, identity.input_size_px)
        return encoder.model.predict(pictures, batch_size=len(rois), verbose=0)

    ours = images_per_second(lambda: encoder.encode(rois), len(rois), seconds)
    plain = images_per_second(predict, len(rois), seconds)
    one_ms = 1000 / images_per_second(lambda: encoder.encode(rois[:1]), 1, seconds)
    return f"{identity.id:<32}{identity.input_size_px:>9}{ours:>10.1f}{plain:>11.1f}{one_ms:>15.1f}"


def main(
    batch: Annotated[int, typer.Option(help="Images in a step.")] = 32,
    seconds: Annotated[float, typer.Option(help="Time per figure.")] = 5.0,
    encoder: Annotated[list[str] | None, typer.Option(help="Only these.")] = None,
) -> None:
    """Print one line per encoder."""
    rois = drawn_rois(batch)
    print(f"{'encoder':<32}{'input px':>9}{'encode/s':>10}{'predict/s':>11}{'one image, ms':>15}")
    for name in encoder or ENCODERS:
        subject = load_encoder(name, "shipped" if name == "compact" else "random", batch)
        assert isinstance(subject, KerasEncoder)
        print(figures(subject, rois, seconds), flush=True)


if __name__ == "__main__":
    typer.run(main)

"""Images a second of each encoder, beside plain Keras on the same images in the same run.

    python benchmarks/encoders.py [--batch 32] [--seconds 5] [--encoder NAME ...] [--no-variants]

`files/s` is all of it: decoding PNG files, preprocessing, the network. `encode/s` leaves out the
decoding; `predict/s` is `keras.Model.predict`, batch by batch, with the same preprocessing, as one
would write it at first. Then, for the compact encoder, what limits it, and what else TensorFlow
offers on a CPU. Weights are random where none ship: they change no timing.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated

import cv2
import numpy as np
import typer

from plankton_stream.images import decode, encode_png
from plankton_stream.ports import Vector
from workers.encoders import ENCODERS, load_encoder
from workers.encoders.inference import KerasEncoder
from workers.encoders.preprocessing import Image
from workers.encoders.runtime import tf

SLOWEST = "inceptionresnetv2"
BATCHES = (1, 8, 16, 32, 64, 128)


def drawn_rois(count: int) -> list[Image]:
    """Return ROIs of the sizes that cameras give: 30 to 200 px, dark on light."""
    rng = np.random.default_rng(0)
    rois = []
    for height, width in rng.integers(30, 200, size=(count, 2)):
        roi = np.full((height, width), 225, np.uint8)
        centre, axes = (int(width) // 2, int(height) // 2), (int(width) // 4, int(height) // 3)
        rois.append(np.asarray(cv2.ellipse(roi, centre, axes, 30, 0, 360, 80, -1), np.uint8))
    return rois


def per_second(step: Callable[[], object], images: int, seconds: float) -> float:
    """Run a step, once unmeasured, then for at least this long; returns images a second."""
    step()
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        step()
        steps += 1
    return steps * images / (time.perf_counter() - start)


def load(name: str, batch: int) -> KerasEncoder:
    """Return an encoder."""
    encoder = load_encoder(name, "shipped" if name == "compact" else "random", batch)
    assert isinstance(encoder, KerasEncoder)
    return encoder


def inputs(encoder: KerasEncoder, rois: list[Image]) -> tuple[Vector, ...]:
    """Return what the encoder's model takes."""
    unknown = [None] * len(rois)
    return encoder.prepare(rois, unknown, encoder.identity.input_size_px)


def figures(encoder: KerasEncoder, rois: list[Image], seconds: float) -> tuple[str, float]:
    """Return an encoder's line of the table, and its files a second."""
    identity = encoder.identity
    files = [encode_png(roi) for roi in rois]

    def predict() -> object:
        given = inputs(encoder, rois)
        return encoder.model.predict(
            list(given) if len(given) > 1 else given[0], batch_size=len(rois), verbose=0
        )

    def from_files() -> object:
        return encoder.encode([decode(file, "image/png") for file in files])

    whole = per_second(from_files, len(rois), seconds)
    ours = per_second(lambda: encoder.encode(rois), len(rois), seconds)
    plain = per_second(predict, len(rois), seconds)
    one_ms = 1000 / per_second(lambda: encoder.encode(rois[:1]), 1, seconds)
    line = (
        f"{identity.id:<34}{identity.input_size_px:>8}{whole:>9.1f}{ours:>10.1f}{plain:>11.1f}"
        f"{one_ms:>15.1f}"
    )
    return line, whole


def limits(batch: int, seconds: float) -> None:
    """Print what each step of the compact encoder could do alone."""
    encoder, rois = load("compact", batch), drawn_rois(batch)
    files = [encode_png(roi) for roi in rois]
    given = inputs(encoder, rois)
    steps: dict[str, Callable[[], object]] = {
        "decoding": lambda: [decode(file, "image/png") for file in files],
        "preprocessing": lambda: inputs(encoder, rois),
        "network": lambda: encoder.run(given),
    }
    print("\nThe compact encoder's steps alone, images/s:")
    for name, step in steps.items():
        print(f"  {name:<24}{per_second(step, batch, seconds):>9.0f}")


def variants(seconds: float) -> None:
    """Print other ways to run the compact network."""
    print("\nThe compact network otherwise, images/s:")
    for batch in BATCHES:
        encoder = load("compact", batch)
        given = inputs(encoder, drawn_rois(batch))
        speed = per_second(partial(encoder.run, given), batch, seconds)
        print(f"  batches of {batch:<13}{speed:>9.0f}", flush=True)
    encoder = load("compact", 32)
    given = inputs(encoder, drawn_rois(32))
    shapes = [tf.TensorSpec(one.shape, tf.float32) for one in given]
    for name, options in (("not frozen", {}), ("XLA", {"jit_compile": True})):
        traced = tf.function(lambda *x: encoder.model(list(x), training=False), **options)
        step = traced.get_concrete_function(*shapes)
        tensors = [tf.constant(one) for one in given]
        print(f"  {name:<24}{per_second(partial(step, *tensors), 32, seconds):>9.0f}")
    # What is decided when TensorFlow starts is measured in processes of their own.
    for name, changed in (
        ("without oneDNN", {"TF_ENABLE_ONEDNN_OPTS": "0"}),
        ("bfloat16 in oneDNN", {"ONEDNN_DEFAULT_FPMATH_MODE": "BF16"}),
    ):
        child = [sys.executable, __file__, "--network-only", "--seconds", str(seconds)]
        done = subprocess.run(
            child, env={**os.environ, **changed}, capture_output=True, text=True, check=True
        )
        print(f"  {name:<24}{float(done.stdout):>9.0f}")


def main(
    batch: Annotated[int, typer.Option(help="Images in a step.")] = 32,
    seconds: Annotated[float, typer.Option(help="Time per figure.")] = 5.0,
    encoder: Annotated[list[str] | None, typer.Option(help="Only these.")] = None,
    *,
    others: Annotated[bool, typer.Option("--variants/--no-variants")] = True,
    network_only: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Print one line per encoder."""
    if network_only:
        subject = load("compact", batch)
        given = inputs(subject, drawn_rois(batch))
        print(per_second(lambda: subject.run(given), batch, seconds))
        return
    rois, speeds = drawn_rois(batch), {}
    print(
        f"{'encoder':<34}{'input px':>8}{'files/s':>9}{'encode/s':>10}{'predict/s':>11}"
        f"{'one image, ms':>15}"
    )
    for name in encoder or ENCODERS:
        line, speeds[name] = figures(load(name, batch), rois, seconds)
        print(line, flush=True)
    if {"compact", SLOWEST} <= set(speeds):
        print(f"\ncompact is {speeds['compact'] / speeds[SLOWEST]:.0f} times as fast as {SLOWEST}")
    if others:
        limits(batch, seconds)
        variants(seconds)


if __name__ == "__main__":
    typer.run(main)

"""The model card that training writes beside an encoder (Mitchell et al. 2019)."""

from dataclasses import asdict

from plankton_stream import __version__
from workers.encoders.identity import EncoderIdentity
from workers.training.recipe import Progress, Recipe
from workers.training.verdict import Comparison

_LICENCE = {
    "none": "yours: they come from your images alone, whose terms decide.",
    "shipped": "they continue the shipped weights, which continue SqueezeNet's (MIT; ImageNet's "
    "images are for non-commercial research) and learnt from PlanktonSet 1.0, which is public as a "
    "benchmark and carries no licence text; your images' terms add to that.",
    "imagenet": "they continue weights that Keras distributes, trained on ImageNet, whose images "
    "are for non-commercial research; your images' terms add to that.",
}
_OTHER_START = "they continue {start}: its terms and your images' terms both hold."


def card(
    identity: EncoderIdentity, *, source: str, counts: dict[str, int], classes: int, start: str,
    recipe: Recipe, progress: Progress, comparison: Comparison | None, command: str,
) -> str:  # fmt: skip
    """Return a model card as Markdown.

    Args:
        identity: of the trained encoder.
        source: where its images came from.
        counts: images of each split.
        classes: how many there are.
        start: what training started from.
        recipe: settings.
        progress: what happened.
        comparison: with the encoder it may replace, on images held out; None if there are none.
        command: what was typed.
    """
    best = progress.history[progress.best_epoch - 1]
    hours = sum(epoch["seconds"] for epoch in progress.history) / 3600
    settings = "\n".join(f"| {name} | {value} |" for name, value in _rows(recipe))
    return f"""# {identity.id}

| | |
|---|---|
| input | {identity.input_size_px} px, {identity.preprocessing} |
| vector | {identity.dimension} numbers of unit length |
| weights | SHA-256 {identity.weights_sha256}… |
| made by | plankton-stream {__version__}, `{command}` |

## Data

{source}: {classes} classes; {_listed(counts)}. The split is a rule: first byte of the SHA-1 of the
file name (or image id), modulo 10: 0 held back, 1 test, 2 validation, the rest train. Terms: those
of whoever owns these images.

## Recipe

Started from {start}; {progress.epochs_done} of {recipe.epochs} epochs in {hours:.2f} h; epoch
{progress.best_epoch} was kept, the best on validation (each image searching the others: P@1
{best["p_at_1"]:.3f}, mAP@10 {best["map_at_10"]:.3f}).

| setting | |
|---|---|
{settings}

## Figures

{f"```{chr(10)}{comparison}{chr(10)}```" if comparison else "No image was held out to judge by."}

## Licence of the weights

Not decided by us: {_LICENCE.get(start, _OTHER_START.format(start=start))}

## Limits

It was judged on images of the same source as it was trained on: with another camera expect less,
and measure it (`plankton evaluate`). Classes with few images are found less often. A class that it
was never shown is placed by what it looks like.
"""


def _rows(recipe: Recipe) -> list[tuple[str, object]]:
    settings = asdict(recipe)
    changes = settings.pop("changes")
    shown = ", ".join(f"{name} {value}" for name, value in changes.items())
    return [*settings.items(), ("augmentation", shown)]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {split}" for split, count in counts.items())

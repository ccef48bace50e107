"""The curve: what coverage costs, in each way."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

_NAMES = {
    "one_by_one": "one by one",
    "classifier_pages": "classifier pages (EcoTaxa's way)",
    "clusters": "clusters (MorphoCluster's way)",
    "ours": "plankton stream",
}
_COLOURS = {
    "one_by_one": "#6b7280",
    "classifier_pages": "#b45309",
    "clusters": "#7c3aed",
    "ours": "#0f766e",
}


def draw(document: dict[str, Any], path: Path) -> None:
    """Write a PNG: hours and actions for a thousand images, by coverage."""
    figure = Figure(figsize=(9.6, 4.2), dpi=150, layout="constrained")
    hours, actions = figure.subplots(1, 2)
    for name, curve in document["ways"].items():
        style = {
            "color": _COLOURS[name],
            "label": _NAMES[name],
            "lw": 2.4 if name == "ours" else 1.6,
        }
        covered = [100 * at["coverage"] for at in curve]
        hours.plot(covered, [1_000 / at["images_per_hour"] for at in curve], **style)
        actions.plot(covered, [1_000 * at["actions_per_image"] for at in curve], **style)
    for axes, title in ((hours, "Hours for 1,000 images"), (actions, "Actions for 1,000 images")):
        axes.set(title=title, xlabel="labelled, % of all images", ylim=(0, None), xlim=(0, 100))
        axes.axvline(70, color="#d1d5db", lw=1, zorder=0)
        axes.spines[["top", "right"]].set_visible(False)
    hours.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.02, 0.9), fontsize=9)
    split = f", {document['split']} split" if document["split"] else ""
    figure.suptitle(f"{document['images']:,} images of {document['folder']}{split}", fontsize=11)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)

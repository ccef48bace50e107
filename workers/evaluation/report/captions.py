"""What the report says in words: with n, encoder, data and command, so that a figure stands alone.

All functions return HTML, what comes from outside escaped.
"""

from html import escape

from workers.evaluation.disturbances import KERNELS_PX, sigma_px
from workers.evaluation.document import EncoderFigures, Evaluation
from workers.evaluation.intervals import RESAMPLES
from workers.evaluation.methods import RERANKED

_TRAINING = "against training images"
_FEW = 1_024


def subtitle(found: Evaluation) -> str:
    """Data, encoder and date in a line; plain text."""
    data = found.data
    return (
        f"{data.name}"
        f"{'' if data.split == 'all' else f', {data.split} split'}, {data.classes} classes: "
        f"{_what(found)}. "
        f"plankton-stream {found.version}, {found.made_at:%d %B %Y}."
    )


def summary(found: Evaluation) -> str:
    """The headline figure as a sentence, and what was left out."""
    first = found.encoders[0].figures[0]
    data = found.data
    said = (
        f"<p>In {first.precision_at_1.value:.0%} of {first.queries:,} searches the nearest of "
        f"{first.gallery:,} images is of the query's class, in {first.hit_at_5.value:.0%} one of "
        "the nearest five is.</p>"
    )
    left_out = [
        f"{first.left_out} queries have no image of their class to find" * bool(first.left_out),
        f"{data.unlabelled} images lie in no class folder" * bool(data.unlabelled),
        f"{len(data.unreadable)} files are no readable images" * bool(data.unreadable),
    ]
    reasons = "; ".join(reason for reason in left_out if reason)
    return said + (f"<p>Left out: {reasons}.</p>" if reasons else "")


def figures_of(encoder: EncoderFigures) -> str:
    """Above the figures of an encoder."""
    name = encoder.id if encoder.label == encoder.id else f"{encoder.label} ({encoder.id})"
    return (
        f"{escape(name)}. Means over queries, 95% intervals below them; in the last two columns "
        "every class has the same weight."
    )


def training(found: Evaluation) -> str:
    """Why a gallery of training images flatters, if one was searched."""
    ways = {way.name: way for way in found.encoders[0].figures}
    if _TRAINING not in ways:
        return ""
    own, flattered = ways["as they are"], ways[_TRAINING]
    return (
        f"<p>Against the {flattered.gallery:,} images that the encoder was trained on, mAP@10 is "
        f"{flattered.map_at_10.value:.3f} instead of {own.map_at_10.value:.3f}. Do not quote that "
        "figure: training has pulled the gallery into clean clusters, the query only has to land "
        "in the right one, and the larger gallery has more to find. An encoder that memorises "
        "gains most. A lab's own images were never trained on, so the figure among unseen images "
        "is the one to expect.</p>"
    )


def map_at_k(found: Evaluation) -> str:
    """Below the curve against k."""
    return (
        f"Mean average precision of the first k neighbours, {_what(found)}. Bands: 95% intervals. "
        f"{_source(found)}"
    )


def blur(found: Evaluation) -> str:
    """Below the blur curve."""
    widest = KERNELS_PX[-1]
    return (
        "Mean average precision when the query is blurred by a Gaussian kernel of this side at its "
        f"own resolution (OpenCV's sigma: {sigma_px(3):.1f} px at 3, {sigma_px(9):.1f} at 9, "
        f"{sigma_px(widest):.1f} at {widest}), while what it searches stays sharp: a camera that "
        f"drifts out of focus against an archive that was not. Bands: 95% intervals. "
        f"{_source(found)}"
    )


def classes(found: Evaluation) -> str:
    """Below the plot by class."""
    return (
        "Average precision of the first ten for every class, the most abundant first; after the "
        f"name the number of queries, lines are 95% intervals over them. {_source(found)}"
    )


def pairs(found: Evaluation) -> str:
    """Above the confused pairs."""
    several = "" if len(found.encoders) == 1 else f" ({escape(found.encoders[0].id)})"
    return (
        f"Queries whose nearest image is of another class{several}. Each pair of pictures is the "
        "query and the image it found, the most alike first: some are errors of the encoder, some "
        "of the names."
    )


def methods(found: Evaluation) -> str:
    """Above the table of search methods."""
    first = found.encoders[0]
    learned = (
        f"Learned codes: iterative quantization, fitted on {found.data.fit:,} images that are not "
        "judged; 512 bits are two rotations learned from different starts."
        if found.data.fit
        else "No learned codes: all images are judged, none is left to learn from (--fit)."
    )
    few = first.figures[0].gallery < _FEW and any(one.kind == "index" for one in found.methods)
    milvus = f" Milvus searches fewer than {_FEW:,} images without an index." if few else ""
    all_ranked = (
        f" Of so few images, {RERANKED:,} re-ranked are all of them: an exact search."
        if first.figures[0].gallery <= RERANKED
        else ""
    )
    return (
        f"All methods on the same vectors of {escape(first.id)}. Recall: share of the exact first "
        "10 or 100 that are found. Time: median of single queries for 100 images on the machine "
        "that made this report, in one process (Milvus: with its network call). Bytes: what the "
        f"first stage reads of an image. {learned}{milvus}{all_ranked}"
    )


def methods_plot(found: Evaluation) -> str:
    """Below the plot of search methods."""
    return (
        "The same, recall@10 against the bytes that a search reads. A code may find others of the "
        f"class than the exact search does: mAP, in the table, says so. {_source(found)}"
    )


def notes(found: Evaluation) -> str:
    """How it was done and what it does not say."""
    data = found.data
    rows = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in _facts(found))
    clusters = (
        "Each image searches all others of the set; images of one sample look alike, so a set with "
        "few samples flatters."
        if data.gallery is None
        else "Queries and gallery are different sets."
    )
    return (
        "<section><h2>Method</h2><p>A query is one image; the images it searches are ranked by the "
        "cosine of their vectors; those of its class are relevant. P@1: the nearest is relevant. "
        "hit@5: one of the nearest five is. AP@k: the sum of the precision at each relevant rank "
        "up to k, divided by min(k, relevant images there are); mAP@k is its mean over queries. "
        "Among equal distances the order is fixed. Intervals: percentile bootstrap over queries, "
        f"{RESAMPLES:,} seeded resamples. Turned: by a random angle, the box grown and filled with "
        f"the image's background.</p><dl>{rows}</dl></section>"
        f"<section><h2>Limits</h2><p>{clusters} Intervals say how the figures move with other "
        "queries of the same kind, not with another gallery or instrument. Names are taken as "
        "right; where they are not, a good encoder loses. Classes with few images have wide "
        "intervals.</p></section>"
    )


def _facts(found: Evaluation) -> list[tuple[str, str]]:
    data = found.data
    facts = [
        ("Data", f"{data.name}: {data.images:,} images, {data.classes} classes"),
        ("Split", f"{data.split} ({data.split_rule})" if data.split != "all" else "all images"),
        ("Command", found.command),
    ]
    for one in found.encoders:
        facts.append(
            (
                "Encoder",
                f"{one.id}: weights SHA-256 {one.weights_sha256}…, input {one.input_size_px} px, "
                f"{one.dimension} dimensions; {one.preprocessing}",
            )
        )
    return facts


def _what(found: Evaluation) -> str:
    data = found.data
    if data.gallery is None:
        return f"each of {data.images:,} images searches the others"
    return f"{data.images:,} images search {data.gallery}"


def _source(found: Evaluation) -> str:
    data = found.data
    ids = ", ".join(dict.fromkeys(one.id for one in found.encoders))
    n = found.encoders[0].figures[0].queries
    split = "" if data.split == "all" else f", {data.split} split"
    return (
        f"n = {n:,} queries; data: {escape(data.name)}{split}; encoder: {escape(ids)}; "
        f"<code>{escape(found.command, quote=False)}</code>."
    )

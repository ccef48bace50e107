"""An evaluation as short plain text."""

from collections.abc import Iterator

from workers.evaluation.document import EncoderFigures, Evaluation, SearchFigures

_CONFUSIONS = 5


def lines(found: Evaluation) -> Iterator[str]:
    """Lines of at most 110 characters."""
    data = found.data
    what = (
        "each image searching the others" if data.gallery is None else f"searching {data.gallery}"
    )
    yield f"{data.name}, {data.split}: {data.images:,} images, {data.classes} classes, {what}"
    if data.single and data.gallery is None:
        yield f"{data.single} classes have one image: it has nothing to find and is left out"
    if data.unlabelled:
        yield f"{data.unlabelled} images lie in no class folder: left out"
    if data.unreadable:
        yield f"{len(data.unreadable)} unreadable images left out: {'; '.join(data.unreadable[:3])}"
    for encoder in found.encoders:
        yield from _encoder(encoder)
    yield from _confusions(found.encoders[0])
    yield from _methods(found.methods)


def _encoder(encoder: EncoderFigures) -> Iterator[str]:
    yield ""
    name = encoder.id if encoder.label == encoder.id else f"{encoder.label} ({encoder.id})"
    yield name
    yield f"  {'queries':<28}{'n':>7} {'P@1':>21} {'hit@5':>7} {'mAP@10':>21} {'mAP@100':>9}"
    for way in encoder.figures:
        yield (
            f"  {way.name:<28}{way.queries:>7,} {way.precision_at_1!s:>21} "
            f"{way.hit_at_5.value:>7.3f} {way.map_at_10!s:>21} {way.map_at_100.value:>9.3f}"
        )
        if way.left_out:
            yield f"    {way.left_out} queries have no image of their class to find: left out"
    first = encoder.figures[0]
    yield (
        f"  mean over classes, as they are: P@1 {first.precision_at_1_by_class:.3f}, "
        f"mAP@10 {first.map_at_10_by_class:.3f}"
    )


def _confusions(encoder: EncoderFigures) -> Iterator[str]:
    if encoder.confusions:
        yield ""
        yield "most confused (the nearest image is of another class)"
    for pair in encoder.confusions[:_CONFUSIONS]:
        yield (
            f"  {pair.count:>4} ({pair.share:.0%}) of {pair.query_class} find {pair.found_class}"
        )


def _methods(methods: list[SearchFigures]) -> Iterator[str]:
    yield ""
    heads = f"{'mAP@10':>7} {'mAP@100':>8} {'recall@10':>10} {'@100':>6} {'ms':>8} {'bytes':>6}"
    yield f"{'search':<46} {heads}"
    for one in methods:
        yield (
            f"  {one.name:<44} {one.map_at_10:>7.3f} {one.map_at_100:>8.3f} "
            f"{one.recall_at_10:>10.3f} {one.recall_at_100:>6.3f} {one.ms:>8.2f} "
            f"{one.bytes_per_image:>6,}"
        )

"""How far the labelling is."""

from collections import Counter, defaultdict

from plankton_stream.domain import LabelState
from plankton_stream.progress import Named
from web.operations import Operation
from web.parts import Parts
from web.progress import (
    BINS,
    CameraCoverage,
    CellView,
    Coverage,
    GivenAnswer,
    GivenQuery,
    GivenView,
    SpreadQuery,
    SpreadView,
    TaxonCoverage,
)


def get_given(parts: Parts, query: GivenQuery) -> GivenAnswer:
    """Labels by hour or day and person, those left out that were taken back."""
    start, end = query.span()
    width = BINS[query.bin]
    given = parts.kept.get(
        ("given", start, end, width),
        lambda: parts.catalog.progress.given(width, after=start, before=end),
    )
    return GivenAnswer(
        start=start, end=end, bin_s=width.total_seconds(),
        given=[GivenView(start=one.start, who=one.who, labels=one.labels) for one in given],
    )  # fmt: skip


def get_coverage(parts: Parts) -> Coverage:
    """How many images have a name, by taxon and by camera."""
    return parts.kept.get("coverage", lambda: _coverage(parts))


def get_spread(parts: Parts, query: SpreadQuery) -> SpreadView:
    """Validated images of a taxon, and of those below it, over capture time and depth."""
    return parts.kept.get(("spread", query), lambda: _spread(parts, query))


def _coverage(parts: Parts) -> Coverage:
    named = parts.catalog.progress.named()
    states: Counter[LabelState] = Counter()
    cameras: defaultdict[str, Counter[LabelState]] = defaultdict(Counter)
    for one in named:
        states[one.state] += one.images
        cameras[one.camera][one.state] += one.images
    return Coverage(
        images=states.total(),
        states=dict(states),
        taxa=_taxa(parts, named),
        cameras=[
            CameraCoverage(camera=camera, images=counts.total(), states=dict(counts))
            for camera, counts in sorted(cameras.items())
        ],
    )


def _taxa(parts: Parts, named: list[Named]) -> list[TaxonCoverage]:
    counts: Counter[tuple[str, LabelState]] = Counter()
    for one in named:
        if one.taxon is not None:
            counts[one.taxon, one.state] += one.images
    proposed = {one.taxon: one for one in parts.catalog.predictions.expected()}
    taxa = [
        TaxonCoverage(
            taxon=taxon,
            validated=counts[taxon, LabelState.VALIDATED],
            dubious=counts[taxon, LabelState.DUBIOUS],
            other=counts[taxon, LabelState.PREDICTED],
            proposed=proposed[taxon].images if taxon in proposed else 0,
            expected=proposed[taxon].expected if taxon in proposed else 0.0,
        )
        for taxon in {taxon for taxon, _ in counts} | proposed.keys()
    ]
    return sorted(taxa, key=lambda one: (-one.validated - one.dubious - one.proposed, one.taxon))


def _spread(parts: Parts, query: SpreadQuery) -> SpreadView:
    taxa = parts.catalog.taxa.below(query.taxon)
    spread = parts.catalog.progress.spread(taxa, camera=query.camera)
    return SpreadView(
        taxa=list(taxa),
        start=spread.start,
        column_s=spread.column.total_seconds(),
        top_m=spread.top_m,
        row_m=spread.row_m,
        cells=[CellView(column=c.column, row=c.row, images=c.images) for c in spread.cells],
        without_time=spread.without_time,
    )


OPERATIONS = (
    Operation("GET", "/api/v1/progress/labels", get_given, GivenAnswer, query=GivenQuery),
    Operation("GET", "/api/v1/progress/coverage", get_coverage, Coverage),
    Operation("GET", "/api/v1/progress/spread", get_spread, SpreadView, query=SpreadQuery),
)

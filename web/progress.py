"""What may be asked about progress, and the answers."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field

from plankton_stream.domain import LabelState, Record, Slug, UtcTime
from web.queries import Query

BINS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
_SHOWN = {"hour": 48, "day": 60}


class GivenQuery(Query):
    """Labels of which time, in which bins."""

    bin: Literal["hour", "day"] = Field(
        default="hour", description="Length of a bin; days are UTC."
    )
    before: UtcTime | None = Field(
        default=None, description="Given earlier than this, ISO 8601; by default until now."
    )

    def span(self) -> tuple[datetime, datetime]:
        """The bins that are asked for: the first one's start and the last one's end."""
        width = BINS[self.bin]
        last = self.before or datetime.now(UTC) + width
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        end = epoch + (last - epoch) // width * width
        return max(epoch, end - _SHOWN[self.bin] * width) if end > epoch else epoch, end


class GivenView(Record):
    """Labels that one person gave within one bin and that nobody took back."""

    start: UtcTime
    who: str
    labels: int


class GivenAnswer(Record):
    """Labels by time and person, oldest first; bins without any are left out."""

    start: UtcTime
    end: UtcTime
    bin_s: float
    given: list[GivenView]


class TaxonCoverage(Record):
    """How far one taxon is."""

    taxon: Slug
    validated: int
    dubious: int
    other: int = Field(description="Labelled as predicted, that is: accepted by no person yet.")
    proposed: int = Field(description="Unlabelled images for which it is proposed.")
    expected: float = Field(description="About how many of these it is right for.")


class CameraCoverage(Record):
    """How far the images of one camera are, by state."""

    camera: Slug
    images: int
    states: dict[LabelState, int]


class Coverage(Record):
    """How far all is; at most some seconds old."""

    images: int
    states: dict[LabelState, int]
    taxa: list[TaxonCoverage] = Field(description="Those that are used or proposed, most first.")
    cameras: list[CameraCoverage]


class SpreadQuery(Query):
    """Of which taxon, of which camera."""

    taxon: Slug = Field(description="Key of a taxon; what lies below it is counted too.")
    camera: Slug | None = None


class CellView(Record):
    """A bin of time and depth that has images."""

    column: int
    row: int | None = Field(description="Null where the depth is unknown.")
    images: int


class SpreadView(Record):
    """Validated images of a taxon over capture time and depth."""

    taxa: list[Slug] = Field(description="The taxon and those below it.")
    start: UtcTime | None = Field(description="Of column 0; null when no image has a time.")
    column_s: float
    top_m: float | None = Field(description="Upper edge of row 0; null when no depth is known.")
    row_m: float
    cells: list[CellView]
    without_time: int = Field(description="Images that are in no cell: their time is unknown.")

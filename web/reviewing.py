"""What review may be asked, and what it answers."""

from typing import Annotated

from pydantic import Field, StringConstraints

from plankton_stream.domain import Image, ImageId, Name, Record, Slug, UtcTime
from plankton_stream.review.agreement import Kappa, Share
from plankton_stream.review.panel import Compared, Matrix, Member, Pair
from plankton_stream.review.records import (
    Case,
    CaseKind,
    Dispute,
    Opinion,
    Reference,
    Voice,
)
from web.answers import ImageView, flat
from web.queries import MAX_LABELLED, Note, Query

Reason = Annotated[str, StringConstraints(min_length=1, max_length=2_000, strip_whitespace=True)]


class CasesQuery(Query):
    """A page of what waits for a reviewer."""

    kind: CaseKind | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(
        default=None,
        pattern=r"^-?[0-9]{1,18}-[0-9A-HJKMNP-TV-Z]{26}$",
        description="next_cursor of the page before.",
    )


class DisputeBody(Query):
    """An objection to an image's name."""

    image_id: ImageId
    taxon: Slug | None = Field(default=None, description="What it should be called instead.")
    note: Reason = Field(description="Why, for the reviewer.")


class SettlementBody(Query):
    """A reviewer's decision about one image."""

    taxon: Slug = Field(description="Key of a taxon; GET /api/v1/taxa lists them.")
    why: Reason = Field(description="Kept in the label's history.")
    seen: int | None = Field(
        default=None, ge=0, description="The image's label_version that was looked at; an image "
        "that has changed since is not settled (409).",
    )  # fmt: skip


class BlindQuery(Query):
    """How many images to name blindly."""

    limit: int = Field(default=20, ge=1, le=100)


class OpinionBody(Query):
    """What an image is, said without having seen its name."""

    image_id: ImageId
    taxon: Slug = Field(description="Key of a taxon; GET /api/v1/taxa lists them.")
    note: Note | None = None


class ReferencesBody(Query):
    """Images of known truth."""

    image_ids: tuple[ImageId, ...] = Field(min_length=1, max_length=MAX_LABELLED)
    taxon: Slug = Field(description="What all of them are, as far as is known for sure.")
    note: Note | None = Field(default=None, description="How it is known.")


class AgreementQuery(Query):
    """Which opinions."""

    after: UtcTime | None = Field(default=None, description="Given then or later, ISO 8601.")
    before: UtcTime | None = Field(default=None, description="Given earlier, ISO 8601.")


class MatrixQuery(AgreementQuery):
    """Which people."""

    compared: Compared = Field(
        default=Compared.PEOPLE, description="Rows and columns: first and second person; the same "
        "person earlier and later; the truth and a person.",
    )  # fmt: skip
    first: Name | None = Field(
        default=None, description="Whose names the rows are; of people only. Without it: whoever "
        "labelled an image first.",
    )  # fmt: skip
    second: Name | None = Field(
        default=None, description="Whose names the columns are; without it: everybody's."
    )


class CaseView(Record):
    """An image that waits for a reviewer, and what was said about it, first one first."""

    image: ImageView
    kind: CaseKind
    since: UtcTime
    voices: list[Voice]
    disputes: list[Dispute]

    @classmethod
    def of(cls, case: Case) -> "CaseView":
        """The view of a case."""
        return cls.model_construct(
            image=ImageView.of(case.image), kind=case.kind, since=case.since, voices=case.voices,
            disputes=case.disputes,
        )  # fmt: skip


class CasesView(Record):
    """Some cases, the one that waits longest first."""

    cases: list[CaseView]
    next_cursor: str | None = Field(description="Of the next page; null at the end.")
    waiting: dict[CaseKind, int] = Field(description="How many there are of each kind.")


class BlindImage(Record):
    """An image to be named blindly: nothing here was written by somebody who knew a name for it."""

    image_id: ImageId
    width_px: int
    height_px: int
    pixel_size_um: float | None
    captured_at: UtcTime | None
    depth_m: float | None
    latitude: float | None
    longitude: float | None

    @classmethod
    def of(cls, image: Image) -> "BlindImage":
        """What may be seen of an image before it is named."""
        values = flat(image)
        return cls.model_construct(**{name: values[name] for name in cls.model_fields})


class BlindPage(Record):
    """Images to be named blindly."""

    images: list[BlindImage]


class OpinionGiven(Record):
    """An opinion that was taken down; not whether anybody else shares it."""

    opinion_id: str
    image_id: ImageId
    taxon: Slug

    @classmethod
    def of(cls, opinion: Opinion) -> "OpinionGiven":
        """The view of an opinion for whoever gave it."""
        return cls(opinion_id=opinion.opinion_id, image_id=opinion.image_id, taxon=opinion.taxon)


class References(Record):
    """Images of known truth."""

    references: list[Reference]


class Counted(Record):
    """How many images were changed."""

    images: int


class KappaView(Record):
    """A kappa with its interval of 95%; null where nothing can be said."""

    value: float | None
    low: float | None
    high: float | None
    observed: float = Field(description="Share of agreement.")
    expected: float = Field(description="Share that chance alone would bring.")
    images: int

    @classmethod
    def of(cls, kappa: Kappa | None) -> "KappaView | None":
        """The view of a kappa, None of none."""
        if kappa is None:
            return None
        return cls(**{name: getattr(kappa, name) for name in cls.model_fields})


class ShareView(Record):
    """Some of a number, with Wilson's interval of 95% where there is one."""

    hits: int
    of: int
    share: float | None
    low: float | None
    high: float | None

    @classmethod
    def of_share(cls, found: Share) -> "ShareView":
        """The view of a share."""
        return cls(**{name: getattr(found, name) for name in cls.model_fields})


class PairView(Record):
    """Two people on the images that both named."""

    first: Name
    second: Name
    agreed: int
    kappa: KappaView | None

    @classmethod
    def of(cls, pair: Pair) -> "PairView":
        """The view of a pair."""
        return cls(
            first=pair.first, second=pair.second, agreed=pair.agreed, kappa=KappaView.of(pair.kappa)
        )


class MemberView(Record):
    """One person: agreement with others, with themselves, with references."""

    who: Name
    others: ShareView
    itself: ShareView
    itself_kappa: KappaView | None
    truth: ShareView

    @classmethod
    def of(cls, member: Member) -> "MemberView":
        """The view of a person."""
        return cls(
            who=member.who,
            others=ShareView.of_share(member.others),
            itself=ShareView.of_share(member.itself),
            itself_kappa=KappaView.of(member.itself_kappa),
            truth=ShareView.of_share(member.truth),
        )


class AgreementView(Record):
    """How far people agree."""

    together: KappaView | None = Field(
        description="Fleiss' kappa of all, on images that two or more named; where their numbers "
        "differ, Gwet's generalisation."
    )
    pairs: list[PairView] = Field(description="Cohen's kappa of each two.")
    people: list[MemberView]


class TaxonAgreement(Record):
    """Of all times that either called an image so, how often both."""

    taxon: Slug
    share: float
    named: int = Field(description="How often either did.")


class MatrixView(Record):
    """How often rows were called columns."""

    compared: Compared
    first: str | None
    second: str | None
    taxa: list[Slug] = Field(description="Of rows and columns, the most frequent first.")
    counts: list[list[int]]
    kappa: KappaView | None
    by_taxon: list[TaxonAgreement]

    @classmethod
    def of(cls, query: MatrixQuery, matrix: Matrix) -> "MatrixView":
        """The view of a matrix."""
        return cls(
            compared=query.compared,
            first=query.first,
            second=query.second,
            taxa=list(matrix.found.taxa),
            counts=matrix.found.counts.tolist(),
            kappa=KappaView.of(matrix.kappa),
            by_taxon=[
                TaxonAgreement(taxon=taxon, share=one.share or 0.0, named=one.of)
                for taxon, one in matrix.taxa.items()
            ],
        )

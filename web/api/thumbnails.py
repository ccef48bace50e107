"""Small pictures of many images in one answer."""

import hashlib

from flask import Response, request
from pydantic import Field, field_validator

from plankton_stream import images as pixels
from plankton_stream.errors import NotFoundError
from web.operations import Operation
from web.parts import Parts
from web.queries import Query

MOST = 100
"""Pictures of one sheet: their ids fit into the address that servers allow (4 kB)."""

_KEPT_S = 3_600


class SheetQuery(Query):
    """Which pictures, and how large."""

    ids: str = Field(
        pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}(,[0-7][0-9A-HJKMNP-TV-Z]{25})*$",
        max_length=27 * MOST - 1,
        description=f"Image ids with commas between them, {MOST} at most.",
    )
    size: int = Field(default=96, ge=16, le=256, description="Longest side of a picture, pixels.")
    columns: int = Field(default=10, ge=1, le=MOST, description="Pictures in a row of the sheet.")
    whole: bool = Field(
        default=False, description="404 where a picture is missing, in place of a grey cell."
    )

    @field_validator("ids")
    @classmethod
    def _differ(cls, ids: str) -> str:
        if len(set(ids.split(","))) < ids.count(",") + 1:
            raise ValueError("an image id is given twice")
        return ids


def get_sheet(parts: Parts, query: SheetQuery) -> Response:
    """Small pictures of several images in one JPEG, in the order of their ids.

    Each lies at the upper left of a square cell of `size` pixels, row by row, scaled down to fit
    and never enlarged. The header `Missing` numbers the cells, from 0, of images that are unknown
    or whose bytes can't be read; these stay grey.
    """
    ids = query.ids.split(",")
    sources = parts.catalog.images.sources(ids)
    tag = _tag(query, [sources[i][1] if i in sources else "" for i in ids])
    if tag in request.if_none_match:
        return _kept(Response(status=304), tag)
    found = parts.thumbnails.get(parts.store, sources, query.size)
    missing = [str(number) for number, i in enumerate(ids) if i not in found]
    if missing and query.whole:
        raise NotFoundError(f"{len(missing)} of {len(ids)} pictures are missing: ask without whole")
    whole = pixels.sheet([found.get(i) for i in ids], query.size, query.columns)
    answer = Response(pixels.encode_jpeg(whole), mimetype="image/jpeg")
    if missing:
        answer.headers["Missing"] = ",".join(missing)
        return answer  # not kept: the bytes may come
    return _kept(answer, tag)


def _tag(query: SheetQuery, hashes: list[str]) -> str:
    asked = f"{query.size} {query.columns} {' '.join(hashes)}"
    return hashlib.sha256(asked.encode()).hexdigest()[:32]


def _kept(answer: Response, tag: str) -> Response:
    answer.set_etag(tag)
    # Ids never change what they mean. A replay may renew an image's file, but not what it shows.
    answer.headers["Cache-Control"] = f"private, max-age={_KEPT_S}"
    return answer


OPERATIONS = (
    Operation(
        "GET", "/api/v1/thumbnails", get_sheet, "image/jpeg", query=SheetQuery, problems=(404,)
    ),
)

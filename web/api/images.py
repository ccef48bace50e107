"""Indexed images: pages of them, one with its history, its bytes, a small picture of it."""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from flask import Response, request

from plankton_stream import images as pixels
from plankton_stream.domain import Brief, Image
from plankton_stream.errors import NotFoundError
from web.answers import ImageDetail, ImageName, ImageNames, ImagesPage, ImageView
from web.api.taxa import filter_of, require_known
from web.operations import Operation
from web.parts import Parts
from web.queries import ImagesQuery, NamesBody, ThumbnailQuery

Known = TypeVar("Known")

_IMAGE_ID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def list_images(parts: Parts, query: ImagesQuery) -> ImagesPage:
    """Indexed images that match all conditions, last indexed first."""
    page = parts.catalog.images.page(
        filter_of(parts, query),
        predicted=query.predicted,
        limit=query.limit,
        cursor=query.cursor,
    )
    if not page.images:
        require_known(parts, query.taxon)
        require_known(parts, query.predicted)
    return ImagesPage(images=[ImageView.of(i) for i in page.images], next_cursor=page.next_cursor)


def get_image(parts: Parts, image_id: str) -> ImageDetail:
    """One image with its label history and the open objections to its name."""
    view = ImageView.of(find(parts, image_id))
    return ImageDetail(
        **view.__dict__, history=parts.catalog.labels.history(image_id),
        disputes=parts.catalog.disputes.of_images([image_id]),
    )  # fmt: skip


def post_names(parts: Parts, body: NamesBody) -> ImageNames:
    """What images are called now; unknown ids are left out."""
    found = parts.catalog.images.get(body.image_ids)
    return ImageNames(names=[ImageName.of(image) for image in found.values()])


def get_content(parts: Parts, image_id: str) -> Response:
    """The image's bytes as the camera made them."""
    image = find(parts, image_id)
    if (unchanged := _unchanged(image.sha256)) is not None:
        return unchanged
    data = parts.store.get(image_id, image.content_type)
    return _picture(data, image.content_type, image.sha256)


def get_thumbnail(parts: Parts, image_id: str, query: ThumbnailQuery) -> Response:
    """A PNG of the image that every browser shows, scaled down to fit."""
    image = find(parts, image_id)
    tag = f"{image.sha256}-{query.size}"
    if (unchanged := _unchanged(tag)) is not None:
        return unchanged
    data = parts.store.get(image_id, image.content_type)
    small = pixels.thumbnail(pixels.decode(data, image.content_type), query.size)
    return _picture(pixels.encode_png(small), "image/png", tag)


def find(parts: Parts, image_id: str) -> Image:
    """An image of the catalog.

    Raises:
        NotFoundError: there is none with this id.
    """
    return _find(image_id, parts.catalog.images.get)


def find_brief(parts: Parts, image_id: str) -> Brief:
    """The same in brief."""
    return _find(image_id, parts.catalog.images.briefs)


def _find(image_id: str, read: Callable[[list[str]], Mapping[str, Known]]) -> Known:
    check_id(image_id)
    found = read([image_id])
    if image_id not in found:
        raise NotFoundError(f"there is no image {image_id}: GET /api/v1/images lists them")
    return found[image_id]


def check_id(image_id: str) -> None:
    """Refuse what can't be an image's id, before a database has to.

    Raises:
        NotFoundError: no image can have this id.
    """
    if not _IMAGE_ID.fullmatch(image_id):
        raise NotFoundError(f"there is no image {image_id!r}: an image id is a ULID, 26 characters")


def _unchanged(tag: str) -> Response | None:
    """An empty answer if the asker has the same bytes already."""
    return _cached(Response(status=304), tag) if tag in request.if_none_match else None


def _picture(data: bytes, content_type: str, tag: str) -> Response:
    return _cached(Response(data, mimetype=content_type), tag)


def _cached(answer: Response, tag: str) -> Response:
    answer.set_etag(tag)
    # Kept, but asked for again: a replay may replace the bytes under an id.
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


OPERATIONS = (
    Operation("GET", "/api/v1/images", list_images, ImagesPage, query=ImagesQuery),
    Operation("GET", "/api/v1/images/<image_id>", get_image, ImageDetail, problems=(404,)),
    Operation("POST", "/api/v1/images/names", post_names, ImageNames, body=NamesBody),
    Operation(
        "GET", "/api/v1/images/<image_id>/content", get_content, "image/*", problems=(404,)
    ),
    Operation(
        "GET", "/api/v1/images/<image_id>/thumbnail", get_thumbnail, "image/png",
        query=ThumbnailQuery, problems=(404,),
    ),
)  # fmt: skip

"""Images that look like one that is indexed, or like one that is uploaded."""

from functools import partial

from flask import Response, request
from pydantic_core import to_json

from plankton_stream import images as pixels
from plankton_stream import search
from plankton_stream.domain import IMAGE_TYPES, MAX_IMAGE_BYTES
from plankton_stream.errors import RejectedError
from web.answers import Neighbours, flat
from web.api.images import check_id
from web.api.taxa import filter_of, require_known
from web.operations import JSON, Operation
from web.parts import Parts
from web.problems import MalformedError, TooLargeError
from web.queries import NeighboursQuery, UploadQuery

_MAGIC = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}


def get_neighbours(parts: Parts, image_id: str, query: NeighboursQuery) -> Response:
    """The images nearest to one that is indexed, itself left out."""
    check_id(image_id)
    index = parts.index()
    found = search.neighbours_of(
        image_id, query.k, index=index, records=parts.catalog.images,
        where=filter_of(parts, query), metric=query.metric, only=_only(parts, query),
    )  # fmt: skip
    return _answer(parts, query, index.encoder, found)


def post_search(parts: Parts, query: UploadQuery) -> Response:
    """The images nearest to an uploaded one, which is not kept."""
    data = _uploaded()
    index = parts.index()
    vector = parts.encoder.encode(
        data, _checked_type(data), index.encoder, pixel_size_um=query.pixel_size_um
    )
    found = search.neighbours(
        vector, query.k, index=index, records=parts.catalog.images,
        where=filter_of(parts, query), metric=query.metric, only=_only(parts, query),
    )  # fmt: skip
    return _answer(parts, query, index.encoder, found)


def _only(parts: Parts, query: NeighboursQuery) -> search.Only | None:
    """Predictions change with every label, too often to be kept in the index: the catalog knows."""
    if query.predicted is None:
        return None
    return partial(parts.catalog.predictions.proposed, taxon=query.predicted)


def _answer(
    parts: Parts, query: NeighboursQuery, encoder: str, found: list[search.Neighbour]
) -> Response:
    """`Neighbours` as JSON, written without making a model of each: there can be ten thousand."""
    if not found:
        require_known(parts, query.taxon)
        require_known(parts, query.predicted)
    views = [flat(one.image) | {"distance": one.distance} for one in found]
    return Response(to_json({"encoder": encoder, "neighbours": views}), mimetype=JSON)


def _uploaded() -> bytes:
    if request.mimetype != "multipart/form-data":
        raise MalformedError("send a multipart/form-data form with the image in the field 'image'")
    file = request.files.get("image")
    if file is None:
        raise MalformedError("the form has no file in the field 'image'")
    data: bytes = file.read(MAX_IMAGE_BYTES + 1)
    if len(data) > MAX_IMAGE_BYTES:
        raise TooLargeError(f"the image is larger than the {MAX_IMAGE_BYTES} bytes allowed")
    return data


def _checked_type(data: bytes) -> str:
    """The image's type by its first bytes: what a browser calls a file is often a guess."""
    if not data:
        raise RejectedError("the image is empty (0 bytes)")
    for magic, content_type in _MAGIC.items():
        if data.startswith(magic):
            pixels.decode(data, content_type)
            return content_type
    raise RejectedError(f"the file is no image that can be read: allowed are {_ALLOWED}")


_ALLOWED = ", ".join(IMAGE_TYPES)

OPERATIONS = (
    Operation(
        "GET", "/api/v1/images/<image_id>/neighbours", get_neighbours, Neighbours,
        query=NeighboursQuery, problems=(404,),
    ),
    Operation(
        "POST", "/api/v1/search", post_search, Neighbours,
        query=UploadQuery, upload=True, problems=(413,),
    ),
)  # fmt: skip

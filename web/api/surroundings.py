"""What lies around an image: its frame, what came before and after, what the machine thinks."""

from plankton_stream.predictions import Candidate
from web.answers import ImageView
from web.api.images import find, find_brief
from web.operations import Operation
from web.parts import Parts
from web.proposals import CandidateView, PredictionView
from web.surroundings import BesideView, Found, FrameView, LookupBody


def get_frame(parts: Parts, image_id: str) -> FrameView:
    """The frame of an image, and all images that were cut from it."""
    image = find(parts, image_id)
    frame = parts.catalog.surroundings.frame(image)
    cut = frame.cut
    return FrameView(
        camera=image.capture.camera,
        frame_key=image.frame_key,
        captured_at=image.capture.captured_at,
        width_px=(cut and cut.width_px) or None,
        height_px=(cut and cut.height_px) or None,
        left_out=cut.left_out if cut else {},
        images=[ImageView.of(mate) for mate in frame.images],
    )


def get_beside(parts: Parts, image_id: str) -> BesideView:
    """The images of the same camera just before and just after one in capture time."""
    before, after = parts.catalog.surroundings.beside(find(parts, image_id))
    return BesideView(before=before and ImageView.of(before), after=after and ImageView.of(after))


def get_prediction(parts: Parts, image_id: str) -> PredictionView:
    """What the machine thinks of an image, and the validated neighbours that speak for it."""
    image = find_brief(parts, image_id)
    said = parts.catalog.predictions.get([image_id]).get(image_id)
    return PredictionView.of_prediction(image, said)


def post_lookup(parts: Parts, body: LookupBody) -> Found:
    """Images by id, with what the machine thinks of each; nothing is changed."""
    known = parts.catalog.images.briefs(body.image_ids)
    said = parts.catalog.predictions.get(body.image_ids)
    ids = [image_id for image_id in dict.fromkeys(body.image_ids) if image_id in known]
    return Found(images=[CandidateView.of_candidate(Candidate(known[i], said.get(i))) for i in ids])


OPERATIONS = (
    Operation("GET", "/api/v1/images/<image_id>/frame", get_frame, FrameView, problems=(404,)),
    Operation("GET", "/api/v1/images/<image_id>/beside", get_beside, BesideView, problems=(404,)),
    Operation(
        "GET", "/api/v1/images/<image_id>/prediction", get_prediction, PredictionView,
        problems=(404,),
    ),
    Operation("POST", "/api/v1/images/lookup", post_lookup, Found, body=LookupBody),
)  # fmt: skip

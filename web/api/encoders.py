"""Encoder versions: whose vectors are searched, and how far the next one is."""

from web.answers import Encoders, EncoderView
from web.operations import Operation
from web.parts import Parts


def list_encoders(parts: Parts) -> Encoders:
    """Encoder versions, the last published first; one is live, at most one is being filled."""
    versions = parts.catalog.encoders.all()
    return Encoders(encoders=[EncoderView.of(version) for version in versions])


OPERATIONS = (Operation("GET", "/api/v1/encoders", list_encoders, Encoders),)

"""Streams: what the label events add up to, live."""

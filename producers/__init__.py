"""Cameras: sources of frames and ROIs, and the loop that publishes them."""

"""The workers: loops that segment, embed, keep labels in the index, and relay events."""

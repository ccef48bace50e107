"""The workers: consumer-group loops that segment, embed, keep labels in the index and relay events."""

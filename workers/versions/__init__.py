"""Encoder versions at work: loaded, filled, published, rolled back."""

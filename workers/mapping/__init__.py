"""The map of all images: a projection of their vectors, kept current."""

"""The audit: proves where every frame went, from the camera to the vector index.

It walks in the order in which data flows and compares each place with the one before: frames sent,
frames in the log, outcomes and images in the catalog, bytes, vectors, names. Memory does not grow
with the number of images, only with what waits and what is lost.
"""

"""plankton_stream: the library that all rooms share.

Domain records, event contracts, segmentation, the ports with their adapters, settings, errors and
the command line's root. It imports none of the rooms (producers, workers, streams, web).
"""

import os

__version__ = "0.1.0"

# OpenCV reads its limit when it is loaded, so this stands where it runs before any such import: a
# 16 MiB file can be made to unpack to far more than the memory of a laptop.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(128 * 1024 * 1024))

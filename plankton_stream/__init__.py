"""plankton_stream: the library that all rooms share.

Domain records, event contracts, segmentation, the ports with their adapters, settings, errors and
the command line's root. It imports none of the rooms (producers, workers, streams, web).
"""

__version__ = "0.1.0"

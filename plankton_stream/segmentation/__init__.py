"""From a frame to the organisms in it, with OpenCV: where they are, how large, how sharp.

- Parameters: of one camera, from the file that PLANKTON_SEGMENTATION names
- Background: what an empty frame of that camera looks like now, kept through restarts
- Segmenter: frame in, boxes and measurements out, what was left out counted
"""

from plankton_stream.segmentation.background import Background
from plankton_stream.segmentation.cameras import CameraSegmenters
from plankton_stream.segmentation.parameters import CameraParameters, Parameters, load_parameters
from plankton_stream.segmentation.segmenter import Segmented, Segmenter

__all__ = [
    "Background",
    "CameraParameters",
    "CameraSegmenters",
    "Parameters",
    "Segmented",
    "Segmenter",
    "load_parameters",
]

"""The simulated camera as a source of live frames."""

from collections.abc import Iterator
from itertools import count

import cv2
import numpy as np

from plankton_stream.domain import Capture, Frame, new_id, to_microseconds
from plankton_stream.events.envelope import now
from producers.simulated.scene import SimulatedScene
from producers.simulated.species import PIXEL_SIZE_UM

# One frame of 1280 x 960, on one core of a busy laptop: JPEG at this quality 4 ms and 0.22 MB, PNG
# (level 1) 40 ms and 0.6 MB. JPEG is off by 1 grey value on average, no more than the sensor noise.
JPEG_QUALITY = 95

_CAST_S = 600.0  # the camera goes down and up once in this time
_DEEPEST_M = 95.0
_STATION = (54.18, 7.9)  # latitude, longitude: off Helgoland


class SimulatedCamera:
    """A camera on a profiling float above a sea of drawn plankton; every frame tells its truth."""

    keeps = False
    idle_s = 1.0  # it always has something

    def __init__(
        self,
        camera: str,
        scene: SimulatedScene,
        *,
        frames: int | None = None,
        first_frame: int | None = None,
        sample: str | None = None,
    ) -> None:
        """Start a run.

        Args:
            camera: its id.
            scene: what it sees.
            frames: how many; None: without end.
            first_frame: number of the scene's first frame; None: the present time in ms.
            sample: sample id for all frames.
        """
        self.camera = camera
        self._scene, self._frames, self._sample = scene, frames, sample
        # A restarted camera must neither show its old pictures again nor reuse the identity of one
        # for another. Milliseconds since 1970 outrun frames (at most 1000 a second), so numbers
        # that start there are new ones, and need no file that could get lost. Should the clock
        # have been set back, the run's id still keeps the keys apart.
        self._run = new_id()
        self._first = to_microseconds(now()) // 1000 if first_frame is None else first_frame

    def __iter__(self) -> Iterator[Frame]:
        """Draw frame after frame; the exposure is over when the frame is handed out."""
        numbers = count() if self._frames is None else range(self._frames)
        for number in numbers:
            yield self._frame(self._first + number)

    def _frame(self, number: int) -> Frame:
        drawn = self._scene.frame(number)
        _, encoded = cv2.imencode(".jpg", drawn.image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        return Frame(
            capture=self._capture(),
            frame_key=f"{self._run}-{number}",
            content_type="image/jpeg",
            data=encoded.tobytes(),
            truth=drawn.truth,
        )

    def _capture(self) -> Capture:
        captured_at = now()
        turn = captured_at.timestamp() / _CAST_S * 2 * np.pi
        return Capture(
            camera=self.camera,
            sample=self._sample,
            captured_at=captured_at,
            depth_m=round(_DEEPEST_M * (1 - float(np.cos(turn))) / 2, 2),
            latitude=_STATION[0],
            longitude=_STATION[1],
            pixel_size_um=PIXEL_SIZE_UM,
            live=True,
        )

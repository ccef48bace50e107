"""The simulated camera as a source: live, truthful, and never the same frame twice."""

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from plankton_stream.events.envelope import Received
from plankton_stream.events.images import frame_message, read_frame
from producers.simulated.camera import SimulatedCamera
from producers.simulated.scene import SimulatedScene


@pytest.fixture(scope="module")
def scene() -> SimulatedScene:
    return SimulatedScene(seed=5, width_px=320, height_px=240)


def test_frames_are_live_and_complete(scene: SimulatedScene) -> None:
    (frame,) = SimulatedCamera("sim", scene, frames=1, first_frame=3, sample="st-1")
    assert frame.capture.live
    assert frame.capture.camera == "sim"
    assert frame.capture.sample == "st-1"
    assert frame.capture.captured_at is not None
    assert timedelta(0) <= datetime.now(UTC) - frame.capture.captured_at < timedelta(seconds=10)
    assert frame.capture.depth_m is not None
    assert 0 <= frame.capture.depth_m <= 95
    assert frame.capture.pixel_size_um == 10
    assert frame.content_type == "image/jpeg"


def test_the_picture_is_the_scenes_frame(scene: SimulatedScene) -> None:
    (frame,) = SimulatedCamera("sim", scene, frames=1, first_frame=3)
    drawn = scene.frame(3)
    decoded = cv2.imdecode(np.frombuffer(frame.data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert frame.truth == drawn.truth
    assert np.abs(decoded.astype(int) - drawn.image).mean() < 1.5


def test_the_truth_travels(scene: SimulatedScene) -> None:
    number = next(n for n in range(20) if scene.frame(n).truth)
    (frame,) = SimulatedCamera("sim", scene, frames=1, first_frame=number)
    message = frame_message(frame)
    received = Received(message.topic, 0, 0, b"sim", message.value, message.headers)
    assert read_frame(received) == frame


def test_a_restarted_camera_shows_new_frames_under_new_keys(scene: SimulatedScene) -> None:
    first = SimulatedCamera("sim", scene, frames=2)
    keys = [frame.frame_key for frame in first]
    keys += [frame.frame_key for frame in SimulatedCamera("sim", scene, frames=2)]
    assert len(set(keys)) == 4
    numbers = [int(key.split("-")[1]) for key in keys]
    assert numbers == sorted(set(numbers))


def test_the_same_frame_number_in_another_run_has_another_key(scene: SimulatedScene) -> None:
    runs = [list(SimulatedCamera("sim", scene, frames=1, first_frame=0)) for _ in range(2)]
    assert runs[0][0].frame_key != runs[1][0].frame_key
    assert runs[0][0].data == runs[1][0].data


def test_it_goes_on_without_end(scene: SimulatedScene) -> None:
    frames = iter(SimulatedCamera("sim", scene, first_frame=0))
    keys = [next(frames).frame_key.split("-")[1] for _ in range(3)]
    assert keys == ["0", "1", "2"]

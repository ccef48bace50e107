"""The spool on disk: nothing accepted is lost, whatever happens to the process and the disk."""

import errno
import os
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from plankton_stream.errors import ConfigError
from plankton_stream.events.envelope import Message
from plankton_stream.events.health import DropReason
from producers.spool import Spool, opened

ROOMY = 100_000_000


def message(number: int, size: int = 100) -> Message:
    headers = (("ce_id", f"cam/{number}".encode()), ("ce_note", "Å→".encode()))
    return Message("plankton.frames.v1", "cam", number.to_bytes(4, "big") * (size // 4), headers)


def fill(spool: Spool, count: int, size: int = 100) -> list[DropReason | None]:
    reasons = []
    for _ in range(count):
        number = spool.numbers.next()
        reasons.append(spool.append(number, message(number, size)))
    return reasons


def drained(spool: Spool, most: int = 7) -> list[int | None]:
    """Numbers of all that waits, in order; each sound one is compared with what was put in."""
    found = []
    while batch := spool.batch(most, ROOMY):
        for one in batch:
            if one.message is not None:
                assert one.message == message(one.sequence or 0, len(one.message.value))
                found.append(one.sequence)
        spool.confirm(batch)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def reopened(spool: Spool, folder: Path) -> Spool:
    """As after a kill: the files are as they are."""
    spool.close()
    return Spool(folder, limit_bytes=ROOMY, segment_bytes=1000)


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.frames"))


def a_spool(folder: Path, limit_bytes: int = ROOMY) -> Spool:
    return Spool(folder, limit_bytes=limit_bytes, segment_bytes=1000)


def test_what_goes_in_comes_out_in_order_and_its_files_go(folder: Path) -> None:
    spool = a_spool(folder)
    assert fill(spool, 40) == [None] * 40
    assert len(segments(folder)) > 3
    assert spool.count == 40
    assert drained(spool) == list(range(1, 41))
    assert (spool.count, spool.size_bytes) == (0, 0)
    assert sum(path.stat().st_size for path in segments(folder)) == 0


def test_a_batch_is_bounded_by_bytes_but_never_empty(folder: Path) -> None:
    spool = a_spool(folder)
    fill(spool, 5, size=400)
    assert len(spool.batch(10, 900)) == 2
    assert len(spool.batch(10, 10)) == 1


def test_it_goes_on_after_the_last_confirmed_frame(folder: Path) -> None:
    spool = a_spool(folder)
    fill(spool, 25)
    spool.confirm(spool.batch(11, ROOMY))
    spool = reopened(spool, folder)
    assert (spool.recovered, spool.count) == (14, 14)
    fill(spool, 3)
    assert drained(spool) == list(range(12, 29))


def test_numbers_count_on_after_an_empty_spool_and_after_frames_that_were_lost(
    folder: Path,
) -> None:
    spool = a_spool(folder)
    fill(spool, 5)
    drained(spool)
    spool.numbers.skip(10)
    spool = reopened(spool, folder)
    assert spool.numbers.next() == 16


def test_a_place_that_was_written_before_losses_were_counted_is_read(folder: Path) -> None:
    a_spool(folder).close()
    (place,) = (path for path in folder.iterdir() if path.name.startswith("place"))
    body = struct.pack("<8sQQ", b"plankto1", 7, 5)
    place.write_bytes(body + struct.pack("<I", zlib.crc32(body)))
    assert a_spool(folder).numbers.place == (7, 5, 0)


@pytest.mark.parametrize("cut", [1, 3, 20, 24, 60, 119])
def test_a_frame_that_a_kill_cut_off_is_recognised(
    folder: Path, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(folder, limit_bytes=ROOMY)
    fill(spool, 3)
    whole = segments(folder)[0].stat().st_size
    spool.numbers.next()
    spool.append(4, message(4))
    os.truncate(segments(folder)[0], whole + cut)
    spool = reopened(spool, folder)
    assert "cut off a frame" in caplog.text
    assert spool.count == 3
    fill(spool, 2)
    assert drained(spool) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("where", ["magic", "number", "checksum", "body"])
@pytest.mark.parametrize("which", [0, 2, 4])
def test_a_damaged_record_is_set_aside_and_the_others_go_on(
    folder: Path, where: str, which: int
) -> None:
    spool = Spool(folder, limit_bytes=ROOMY)
    fill(spool, 5)
    size = segments(folder)[0].stat().st_size // 5
    offset = which * size + {"magic": 0, "number": 5, "checksum": 21, "body": 60}[where]
    with segments(folder)[0].open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0xFF]))
    spool = reopened(spool, folder)
    assert spool.count == 5
    assert drained(spool, most=2) == [n for n in range(1, 6) if n != which + 1]
    assert spool.count == 0
    (aside,) = (folder / "damaged").iterdir()
    assert aside.stat().st_size == size


def test_a_place_file_that_is_nonsense_costs_doubles_not_frames(folder: Path) -> None:
    spool = Spool(folder, limit_bytes=ROOMY)
    fill(spool, 5)
    spool.confirm(spool.batch(2, ROOMY))
    (folder / "place").write_bytes(b"\0" * 28)
    spool = reopened(spool, folder)
    assert drained(spool) == [1, 2, 3, 4, 5]
    assert spool.numbers.next() == 6


def test_when_it_is_full_the_oldest_are_kept(folder: Path) -> None:
    spool = a_spool(folder, limit_bytes=5_000)
    reasons = fill(spool, 60)
    kept = reasons.count(None)
    assert 20 < kept < 50
    assert reasons == [None] * kept + [DropReason.SPOOL_FULL] * (60 - kept)
    assert sum(path.stat().st_size for path in segments(folder)) <= 5_000
    spool.confirm(spool.batch(10, ROOMY))
    assert fill(spool, 1) == [None]  # there is room again
    assert drained(spool) == [*range(11, kept + 1), 61]


class Disk:
    """Takes so many bytes more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free: float = float("inf")
        self._write = os.pwrite
        monkeypatch.setattr(os, "pwrite", self.pwrite)

    def pwrite(self, file: int, data: bytes, offset: int) -> int:
        if offset + len(data) > 36:  # the place file needs no space
            if self.free < 1:
                raise OSError(errno.ENOSPC, "No space left on device")
            data = data[: int(min(self.free, len(data)))]
            self.free -= len(data)
        return self._write(file, data, offset)


def test_a_full_disk_loses_nothing_accepted_and_goes_on_when_there_is_space(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(monkeypatch)
    spool = Spool(folder, limit_bytes=ROOMY, held_bytes=1_000)
    fill(spool, 3)
    whole = segments(folder)[0].stat().st_size
    disk.free = 70  # less than a record: it is written in part
    reasons = fill(spool, 10)
    assert "takes nothing" in caplog.text
    held = reasons.count(None)
    assert 3 <= held < 10
    assert reasons[held:] == [DropReason.DISK] * (10 - held)
    assert spool.count == 3 + held
    assert segments(folder)[0].stat().st_size == whole, "a part of a record was left behind"
    disk.free = float("inf")
    fill(spool, 1)
    assert "takes frames again" in caplog.text
    spool = reopened(spool, folder)  # all of it is on disk now
    assert drained(spool) == [*range(1, 4 + held), 14]


def test_while_the_disk_is_full_frames_still_pass(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    spool = Spool(folder, limit_bytes=ROOMY, held_bytes=1_000)
    disk.free = 0
    for number in range(1, 30):
        assert fill(spool, 1) == [None]
        assert drained(spool) == [number]


def test_a_second_producer_of_the_camera_is_refused(folder: Path) -> None:
    with opened(folder / "cam", "cam", limit_bytes=ROOMY) as spool:
        fill(spool, 1)
        with (
            pytest.raises(ConfigError, match=f"cam is published already, by process {os.getpid()}"),
            opened(folder / "cam", "cam", limit_bytes=ROOMY),
        ):
            pass
    with opened(folder / "cam", "cam", limit_bytes=ROOMY) as spool:
        assert spool.count == 1


def test_a_folder_that_cannot_be_made_is_a_clear_error(folder: Path) -> None:
    (folder / "file").touch()
    with (
        pytest.raises(ConfigError, match="PLANKTON_HOME"),
        opened(folder / "file" / "cam", "cam", limit_bytes=ROOMY),
    ):
        pass


WRITER = """
import sys
from pathlib import Path
from producers.spool import opened
from tests.unit.test_spool import message

with opened(Path(sys.argv[1]), "cam", limit_bytes=10**9) as spool:
    while True:
        number = spool.numbers.next()
        spool.append(number, message(number, 4000))
        if number % 5 == 0:
            spool.confirm(spool.batch(3, 10**9))
        print(number, spool.numbers.place.confirmed, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 50, 777])
def test_kill_9_at_any_moment_loses_nothing_that_was_accepted(
    folder: Path, lines: int, request: pytest.FixtureRequest
) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)],
        cwd=request.config.rootpath, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stdout
    for _ in range(lines):
        accepted, confirmed = map(int, run.stdout.readline().split())
    os.kill(run.pid, signal.SIGKILL)
    for line in run.stdout:  # what it had said before it died
        if line.endswith("\n"):
            accepted, confirmed = map(int, line.split())
    run.wait()
    with opened(folder, "cam", limit_bytes=ROOMY) as spool:
        numbers = drained(spool, most=64)
    assert numbers == list(range(numbers[0] or 0, (numbers[-1] or 0) + 1))
    assert confirmed + 1 <= (numbers[0] or 0) <= confirmed + 4
    assert accepted <= (numbers[-1] or 0) <= accepted + 1


def test_what_waits_is_forced_to_the_disk_once_a_second(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, synced = 0.0, []
    monkeypatch.setattr(os, "fdatasync", lambda _file: synced.append(now_s))
    spool = Spool(folder, limit_bytes=ROOMY, clock=lambda: now_s)
    for _ in range(100):  # Kafka takes frames as they come
        now_s += 0.1
        fill(spool, 1)
        spool.sync()
        drained(spool)
    assert synced == []
    for _ in range(50):  # it is away
        now_s += 0.1
        fill(spool, 1)
        spool.sync()
    assert 3 <= len(synced) <= 5

"""Places, the watchdog and the sparing log, without Kafka."""

import logging
import os
import subprocess
import sys

from streams.places import Places
from streams.sparing import Sparing
from streams.watchdog import Watchdog


def test_a_place_moves_on_over_what_is_done_only() -> None:
    places: Places[str] = Places()
    places.start("p", 10)
    for offset, expected in ((10, 11), (13, 11), (12, 11), (11, 14), (5, 14), (14, 15)):
        places.done("p", offset)
        assert places.next("p") == expected


def test_a_hole_has_an_age_until_it_is_filled() -> None:
    at = 0.0
    places: Places[str] = Places(clock=lambda: at)
    places.start("p", 0)
    places.start("q", 0)
    assert places.oldest_hole_s() == 0
    places.done("p", 1)
    at = 5.0
    places.done("q", 0)
    assert places.oldest_hole_s() == 5
    places.done("p", 0)
    assert places.oldest_hole_s() == 0


def test_a_new_generation_starts_afresh() -> None:
    places: Places[str] = Places()
    places.start("p", 3)
    places.forget()
    assert "p" not in places


def test_stuck_means_that_records_wait_and_none_is_done() -> None:
    dog = Watchdog(patience_s=10)
    looks = [
        # (records that wait, progress, time): is it stuck?
        (5, 1, 0, False),
        (5, 1, 9, False),
        (5, 2, 11, False),  # progress
        (0, 2, 30, False),  # nothing to do
        (3, 2, 35, False),
        (3, 2, 39, False),
        (3, 2, 40, True),
    ]
    for waiting, progress, at_s, expected in looks:
        assert dog.is_stuck(waiting=waiting, progress=progress, at_s=at_s) is expected


def test_a_broker_that_is_away_is_no_fault_of_the_process() -> None:
    dog = Watchdog(patience_s=10)
    assert not dog.is_stuck(waiting=5, progress=1, at_s=0)
    dog.rest()
    assert not dog.is_stuck(waiting=5, progress=1, at_s=100)
    assert dog.is_stuck(waiting=5, progress=1, at_s=110)


def test_a_stuck_process_ends_although_its_main_thread_is_blocked() -> None:
    program = (
        "import logging, time; logging.basicConfig();"
        "from streams.watchdog import guard;"
        "guard(lambda: 7, lambda: 0, patience_s=0.2); time.sleep(60)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ),
        timeout=50, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert "7 records wait" in run.stderr


def test_a_library_repeats_itself_every_30_s_at_most_and_we_whenever_we_want() -> None:
    at = 0.0
    sparing = Sparing(clock=lambda: at)

    def told(name: str, message: str) -> bool:
        return sparing.filter(logging.LogRecord(name, logging.ERROR, "", 0, message, (), None))

    assert [told("aiokafka.client", "away") for _ in range(3)] == [True, False, False]
    assert told("aiokafka.client", "back")
    assert [told("streams.pump", "again") for _ in range(2)] == [True, True]
    at = 31.0
    assert told("aiokafka.client", "away")

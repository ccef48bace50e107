"""The census without Kafka."""

import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from plankton_stream.domain import Capture, LabelState, Naming
from plankton_stream.errors import RejectedError
from plankton_stream.events import topics
from plankton_stream.events.deadletters import DEAD_LETTER
from plankton_stream.events.envelope import Message, Received, read_envelope, to_text
from plankton_stream.events.facts import (
    CensusCounted,
    LabelCurrent,
    fact_message,
    read_fact,
    read_label_event,
)
from streams.census import Census
from streams.steps import Tally, current_message, regroup, remember
from tests.label_events import START, Labelling, as_received, census_of, label_message

WINDOW_S = 300


def received_labels(labelling: Labelling, images: int, changes: int) -> list[Received]:
    events = labelling.events(images, changes)
    return [
        as_received(label_message(event), partition=3, offset=number)
        for number, event in enumerate(events)
    ]


def published(tally: Tally, batch: list[Received]) -> list[Received]:
    return [as_received(message) for message, _ in tally(batch)]


def counts_of(census: Census) -> dict[object, dict[str, int]]:
    cells = {(cell.camera, cell.window_start): census.counted(cell) for cell in census.cells()}
    return {cell: counted.counts for cell, counted in cells.items() if counted.counts}


def a_naming(image: str = "0" * 26, version: int = 1, **fields: object) -> LabelCurrent:
    given = {
        "image_id": image, "version": version, "who": "ana", "at": START,
        "naming": Naming(taxon="copepod", state=LabelState.VALIDATED),
        "capture": Capture(camera="cam-a", captured_at=START),
    }  # fmt: skip
    return LabelCurrent.model_validate(given | fields)


def test_counts_equal_a_recount() -> None:
    labelling, census = Labelling(window_s=WINDOW_S, seed=1), Census(WINDOW_S)
    Tally(census)(received_labels(labelling, 200, 800))
    assert counts_of(census) == labelling.counts()
    assert len(census) == 200


def test_order_duplicates_and_batches_do_not_matter() -> None:
    labelling, census = Labelling(window_s=WINDOW_S, seed=2), Census(WINDOW_S)
    events = received_labels(labelling, 50, 200)
    tally, dice = Tally(census), random.Random(3)
    records: list[Received] = []
    for _ in range(3):
        dice.shuffle(events)
        for start in range(0, len(events), 7):
            records += published(tally, events[start : start + 7])
    assert counts_of(census) == labelling.counts()
    assert census_of([r for r in records if r.topic == topics.CENSUS.name]) == labelling.counts()


def test_what_is_published_is_enough_to_count_again() -> None:
    labelling, census, again = Labelling(seed=4), Census(WINDOW_S), Census(WINDOW_S)
    records = published(Tally(census), received_labels(labelling, 50, 200))
    for record in records:
        if record.topic == topics.LABELS_CURRENT.name:
            remember(again, record)
    assert counts_of(again) == counts_of(census)
    assert {c: again.revision(c) for c in again.cells()} == {
        c: census.revision(c) for c in census.cells()
    }


def test_a_duplicate_publishes_the_same_events_again() -> None:
    census = Census(WINDOW_S)
    events = received_labels(Labelling(seed=5), 1, 0)
    first, second = (published(Tally(census), events) for _ in range(2))

    def ids(records: list[Received]) -> list[str]:
        return [read_envelope(to_text(record.headers)).id for record in records]

    assert ids(first) == ids(second)
    assert len(first) == 2


def test_a_stale_event_does_not_bring_back_an_old_name() -> None:
    census = Census(WINDOW_S)
    labelling = Labelling(seed=6)
    events = received_labels(labelling, 1, 3)
    tally = Tally(census)
    tally(events)
    stale = published(tally, events[:1])
    assert [record.topic for record in stale] == [topics.CENSUS.name]
    assert counts_of(census) == labelling.counts()


def test_only_validated_names_count() -> None:
    census = Census(WINDOW_S)
    states = (LabelState.PREDICTED, LabelState.DUBIOUS, LabelState.VALIDATED)
    for number, state in enumerate(states):
        naming = Naming(taxon="copepod", state=state)
        census.put(a_naming(f"{number:026}", naming=naming))
    (cell,) = census.cells()
    assert census.counted(cell).counts == {"copepod": 1}


def test_windows_start_at_multiples_of_their_length_and_an_unknown_time_has_its_own() -> None:
    census = Census(WINDOW_S)
    late = START.replace(minute=9, second=59, microsecond=999_999)
    assert census.cell(Capture(camera="a", captured_at=late)).window_start == START.replace(
        minute=5
    )
    assert census.cell(Capture(camera="a")).window_start is None
    assert census.counted(census.cell(Capture(camera="a"))).key == "a|unknown"


def test_an_image_that_moves_leaves_no_count_behind() -> None:
    census = Census(WINDOW_S)
    census.put(a_naming(version=1))
    moved = a_naming(version=2, capture=Capture(camera="cam-b", captured_at=START))
    assert len(census.put(moved)) == 2
    assert counts_of(census) == {("cam-b", START): {"copepod": 1}}


def test_the_revision_rises_with_each_change_and_only_then() -> None:
    census = Census(WINDOW_S)
    seen = []
    for version in (1, 1, 2, 1, 5):
        (cell,) = census.put(a_naming(version=version))
        seen.append(census.revision(cell))
    assert seen == [1, 1, 2, 2, 5]


def test_state_lies_where_its_events_lie() -> None:
    outgoing = Tally(Census(WINDOW_S))(received_labels(Labelling(seed=7), 5, 5))
    state = [o for o in outgoing if o.message.topic == topics.LABELS_CURRENT.name]
    assert {o.partition for o in state} == {3}
    assert {o.partition for o in outgoing if o not in state} == {None}


def test_regrouping_changes_the_key_and_nothing_else() -> None:
    events = received_labels(Labelling(seed=8), 3, 0)
    for event, (message, partition) in zip(events, regroup(events), strict=True):
        assert message.topic == topics.LABELS_BY_CAMERA.name
        assert (message.value, message.headers, partition) == (event.value, event.headers, None)
        assert message.key.startswith("cam-")


@pytest.mark.parametrize(
    "bad",
    [
        Message(topics.LABELS.name, "k", b"", ()),
        Message(topics.LABELS.name, "k", b"x", (("ce_id", b"\xff"),)),
        current_message(a_naming()),
    ],
    ids=["empty", "no text", "another event"],
)
def test_a_bad_record_is_a_dead_letter_and_the_rest_goes_on(bad: Message) -> None:
    good = received_labels(Labelling(seed=9), 1, 0)
    for step in (regroup, Tally(Census(WINDOW_S))):
        letters = [
            message
            for message, _ in step([as_received(bad), *good])
            if message.topic == topics.DEADLETTER.name
        ]
        (letter,) = letters
        assert dict(letter.headers)["ce_type"] == DEAD_LETTER.encode()
        assert dict(letter.headers)["ce_cause"]
        assert len(step([as_received(bad), *good])) > 1


def spoil(monkeypatch: pytest.MonkeyPatch, image: str) -> None:
    """Make the census fail, in no way that it was written for, at one image."""
    put: Callable[[Census, LabelCurrent], object] = Census.put

    def spoiled(census: Census, current: LabelCurrent) -> object:
        if current.image_id == image:
            raise OverflowError("date value out of range")
        return put(census, current)

    monkeypatch.setattr(Census, "put", spoiled)


def test_a_record_that_nobody_expected_is_a_dead_letter_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = received_labels(Labelling(seed=13), 2, 0)
    assert bad.key is not None
    spoil(monkeypatch, bad.key.decode())
    letter, *rest = Tally(Census(WINDOW_S))([bad, good])
    assert letter.message.topic == topics.DEADLETTER.name
    cause = dict(letter.message.headers)["ce_cause"].decode()
    assert cause == "unexpected OverflowError: date value out of range"
    assert [message.topic for message, _ in rest] == [
        topics.LABELS_CURRENT.name,
        topics.CENSUS.name,
    ]


def test_regrouping_makes_a_dead_letter_of_what_nobody_expected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = received_labels(Labelling(seed=14), 2, 0)

    def read(received: Received) -> object:
        if received is events[0]:
            raise RuntimeError("what is this?")
        return read_label_event(received)

    monkeypatch.setattr("streams.steps.read_label_event", read)
    assert [message.topic for message, _ in regroup(events)] == [
        topics.DEADLETTER.name,
        topics.LABELS_BY_CAMERA.name,
    ]


def test_an_event_that_would_not_fit_under_its_camera_is_a_dead_letter() -> None:
    (event,) = Labelling(seed=15).events(1, 0)
    room = topics.MAX_RECORD_BYTES - label_message(event).size
    large = label_message(event.model_copy(update={"why": "x" * room}))
    assert topics.MAX_RECORD_BYTES - 10 < large.size <= topics.MAX_RECORD_BYTES
    ((letter, _),) = regroup([as_received(large)])
    assert letter.topic == topics.DEADLETTER.name
    assert letter.size < topics.MAX_DEAD_LETTER_BYTES


def test_the_first_window_of_the_calendar_is_a_short_one() -> None:
    first = datetime(1, 1, 1, tzinfo=UTC)
    census = Census(7 * 24 * 60 * 60)
    cell = census.cell(Capture(camera="a", captured_at=first.replace(hour=1)))
    assert cell.window_start == first
    assert read_fact(as_received(fact_message(census.counted(cell), event_id="1", source="/here")))


def test_recovery_passes_over_what_nobody_expected(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    census, bad, good = Census(WINDOW_S), a_naming(), a_naming("1" * 26)
    spoil(monkeypatch, bad.image_id)
    for naming in (bad, good):
        remember(census, as_received(current_message(naming)))
    assert len(census) == 1
    assert "passed over" in caplog.text


def test_only_label_events_are_read_as_such() -> None:
    (event,) = Labelling(seed=16).events(1, 0)
    assert read_label_event(as_received(label_message(event))) == event
    with pytest.raises(RejectedError, match=r"label\.current"):
        read_label_event(as_received(current_message(a_naming())))


def test_recovery_passes_over_what_is_not_a_naming(caplog: pytest.LogCaptureFixture) -> None:
    census = Census(WINDOW_S)
    remember(census, as_received(Message(topics.LABELS_CURRENT.name, "k", b"?", ())))
    assert len(census) == 0
    assert "passed over" in caplog.text


def test_a_count_is_sorted_and_carries_its_window() -> None:
    census = Census(WINDOW_S)
    for number, taxon in enumerate(("radiolarian", "copepod")):
        naming = Naming(taxon=taxon, state=LabelState.VALIDATED)
        census.put(a_naming(f"{number:026}", naming=naming))
    (message, _), *_ = [
        o
        for o in Tally(census)(received_labels(Labelling(seed=10), 1, 0))
        if o.message.topic == topics.CENSUS.name
    ]
    fact = read_fact(as_received(message))
    assert isinstance(fact, CensusCounted)
    assert fact.window_s == WINDOW_S
    (cell,) = [c for c in census.cells() if c.window_start == START and c.camera == "cam-a"]
    assert list(census.counted(cell).counts) == sorted(census.counted(cell).counts)

"""What waits for a streams process, as a real broker tells it."""

from collections import Counter
from pathlib import Path

import pytest

from plankton_stream.events import topics
from streams.waiting import Waiting
from tests.label_events import Labelling
from tests.streams_worker import Follower, Worker, publish
from tests.waiting import wait_until

pytestmark = pytest.mark.services

READ = [(t.name, n) for t in (topics.LABELS, topics.LABELS_BY_CAMERA) for n in range(t.partitions)]


def wait_until_done(kafka: str) -> None:
    waiting = Waiting(kafka, lambda: READ)
    wait_until(lambda: not waiting(), within_s=300, what=lambda: f"{waiting()} still wait")


def test_what_waits_is_counted_by_partition(kafka: str, tmp_path: Path) -> None:
    labelling = Labelling(seed=31, prefix="waiting.")
    with Worker(kafka, tmp_path) as worker:
        worker.wait_ready()
        publish(kafka, list(labelling.events(images=40, changes=0)))
        wait_until_done(kafka)
        assert worker.stop() == 0
        labels = Follower(kafka, topics.LABELS)
        labels.latest()
        seen = len(labels.records)
        publish(kafka, [labelling.change(image) for image in labelling.now])
        labels.latest()
        came = Counter(record.partition for record in labels.records[seen:])
        labels.close()
        assert came.total() == 40
        for topic, partition in READ:
            expected = came[partition] if topic == topics.LABELS.name else 0
            assert Waiting(kafka, lambda: [(topic, partition)])() == expected  # noqa: B023
        assert Waiting(kafka, list)() == 0, "a member without partitions"
        worker.start()
        wait_until_done(kafka)

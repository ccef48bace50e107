"""A sample is deleted on real Kafka, Milvus, SQLite and image folder, also across a kill -9."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plankton_stream.adapters.sql import Scope
from plankton_stream.domain import new_id
from plankton_stream.events import topics
from plankton_stream.events.envelope import again
from tests.integration.test_audit import line  # noqa: F401  (a fixture)
from tests.pipeline import Pipeline, a_frame, a_roi

pytestmark = pytest.mark.services

_KILLED = """
import os, signal, sys
from plankton_stream.adapters.files import FileImageStore
from plankton_stream import cli

removed, calls = FileImageStore.remove, []

def remove(self, image_id, content_type):
    calls.append(image_id)
    if len(calls) == 3:  # all vectors are gone, two images' bytes, no row yet
        os.kill(os.getpid(), signal.SIGKILL)
    removed(self, image_id, content_type)

FileImageStore.remove = remove
cli.main()
"""


def delete(code: str, environment: dict[str, str], sample: str) -> subprocess.CompletedProcess[str]:
    """`plankton sample delete`, in a process of its own."""
    command = [sys.executable, "-c", code, "sample", "delete", sample, "--yes", "--why", "torn"]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip


def test_a_deletion_that_is_killed_goes_on_and_nothing_of_the_sample_comes_back(
    line: Pipeline,  # noqa: F811
    milvus: str,
    tmp_path: Path,
) -> None:
    camera, bad, good = (f"{name}-{new_id().lower()}" for name in ("cam", "bad", "good"))
    line.publish(
        *(a_frame(f"b{n}", camera=camera, sample=bad, objects=n) for n in range(4)),
        *(a_frame(f"g{n}", camera=camera, sample=good) for n in range(2)),
        a_roi("r", camera=camera, sample=bad),
    )
    line.run()
    pages = line.catalog.walks.images(Scope(sample=bad))
    gone = [image.image_id for page in pages for image in page]
    kept = sorted(set(line.ids(camera)) - set(gone))
    assert (len(gone), len(kept)) == (7, 4)
    line.label(gone[0], kept[0])
    environment = {
        "PLANKTON_HOME": str(tmp_path / "home"),
        "PLANKTON_CATALOG": f"sqlite:///{tmp_path / 'catalog.sqlite'}",
        "PLANKTON_IMAGES": f"file://{tmp_path / 'images'}",
        "PLANKTON_MILVUS": milvus,
        "PLANKTON_LOG_LEVEL": "WARNING",
    }

    killed = delete(_KILLED, environment, bad)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (record,) = line.catalog.deletions.all()
    assert record.ended_at is None
    assert line.catalog.walks.indexed_at(gone).keys() == set(gone), "the rows are the list of it"
    assert line.audit(camera=camera).missing == 0, "half deleted is deleted"

    done = delete("from plankton_stream import cli; cli.main()", environment, bad)
    assert done.returncode == 0, done.stderr
    assert "deleted 7 images" in done.stdout
    (record,) = line.catalog.deletions.all()
    assert (record.images, record.labels, record.frames) == (7, 1, 4)
    assert record.ended_at is not None
    for image_id in gone:
        assert line.store.size(image_id, "image/png") is None
    assert line.catalog.walks.indexed_at([*gone, *kept]).keys() == set(kept)
    assert line.index.known([*gone, *kept]) == set(kept)

    spans = {n: span.done for n, span in line.reader.spans(topics.FRAMES).items()}
    for page in list(line.reader.read(topics.FRAMES, spans)):
        for record_again in page:
            if dict(record_again.headers).get("ce_sample") == bad.encode():
                line.publisher.send(again(record_again))
    line.publisher.flush()
    line.run()
    after = line.audit(camera=camera)
    assert (after.missing, after.waiting) == (0, 0)
    assert line.ids(camera) == kept

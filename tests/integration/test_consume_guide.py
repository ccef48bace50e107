"""The consumer in docs/consume.md and `plankton tail` do what the page says."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plankton_stream.adapters.kafka import KafkaAdmin
from plankton_stream.events import topics
from tests.label_events import Labelling
from tests.services import kafka_process, served, some_free_port
from tests.streams_worker import publish
from tests.waiting import wait_until

pytestmark = pytest.mark.services

GUIDE = Path(__file__).parents[2] / "docs" / "consume.md"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of its own: other tests put bad records into the topic of the labels."""
    folder, port = tmp_path_factory.mktemp("kafka"), some_free_port()
    with served(lambda: kafka_process(folder, port), folder / "kafka.log"):
        admin = KafkaAdmin(f"127.0.0.1:{port}")
        admin.ensure_topics(topics.ALL)
        admin.close()
        yield f"127.0.0.1:{port}"


def read_lines(run: "subprocess.Popen[str]", lines: list[str]) -> None:
    assert run.stdout is not None
    lines.extend(iter(run.stdout.readline, ""))


def test_the_consumer_of_the_guide_prints_each_change_once(kafka: str, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 11
    program = tmp_path / "consumer.py"
    program.write_text(code, encoding="utf-8")
    labelling = Labelling(seed=31, prefix="guide.")
    events = list(labelling.events(images=5, changes=15))
    # Each image's last event comes after the doubles, on the same partition.
    last = [labelling.change(one) for one in list(labelling.now)]
    expected = len(events) + len(last)
    lines: list[str] = []
    with subprocess.Popen(
        [sys.executable, str(program), kafka], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as run:
        threading.Thread(target=read_lines, args=(run, lines), daemon=True).start()
        try:
            publish(kafka, [*events, *events, *last])
            finals = {(one, naming.taxon) for one, (_, naming, _) in labelling.now.items()}
            wait_until(
                lambda: len(mine(lines, labelling)) >= expected,
                within_s=60,
                what="the consumer prints",
            )
        finally:
            run.kill()
    printed = mine(lines, labelling)
    assert len(printed) == expected, "no double is printed"
    assert all(" ana " in line for line in printed)
    latest = {line.split()[2]: line.split()[-1] for line in printed}
    assert latest == {one: str(taxon) for one, taxon in finals}


def test_tail_prints_a_line_for_each_event_and_ends_quietly(kafka: str, tmp_path: Path) -> None:
    labelling = Labelling(seed=33, prefix="tail.")
    events = list(labelling.events(images=5, changes=5))
    lines: list[str] = []
    command = [sys.executable, "-m", "plankton_stream", "tail", "labels", "--from-start"]
    env = os.environ | {"PLANKTON_KAFKA": kafka, "PLANKTON_HOME": str(tmp_path)}
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        try:
            threading.Thread(target=read_lines, args=(run, lines), daemon=True).start()
            publish(kafka, events)
            wait_until(
                lambda: len(mine(lines, labelling)) == len(events), within_s=60, what="tail prints"
            )
            run.send_signal(signal.SIGINT)
            assert run.wait(20) == 0
            assert run.stderr is not None
            assert run.stderr.read() == ""
        finally:
            run.kill()
    assert all(" → " in line and "  ana  " in line for line in mine(lines, labelling))


def mine(lines: list[str], labelling: Labelling) -> list[str]:
    """The lines of one test."""
    return [line for line in lines if line.split()[2] in labelling.now]

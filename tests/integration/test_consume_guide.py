"""The consumer in docs/consume.md does what the page says."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from plankton_stream.adapters.kafka import KafkaAdmin
from plankton_stream.events import topics
from tests.label_events import Labelling
from tests.streams_worker import publish, until

pytestmark = pytest.mark.services

GUIDE = Path(__file__).parents[2] / "docs" / "consume.md"


def read_lines(run: "subprocess.Popen[str]", lines: list[str]) -> None:
    assert run.stdout is not None
    lines.extend(iter(run.stdout.readline, ""))


def test_the_consumer_of_the_guide_prints_each_change_once(kafka: str, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 11
    program = tmp_path / "consumer.py"
    program.write_text(code, encoding="utf-8")
    admin = KafkaAdmin(kafka)
    admin.ensure_topics(topics.ALL)
    admin.close()
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
            until(lambda: len(mine(lines, labelling)) >= expected, 60, "the consumer prints")
        finally:
            run.kill()
    printed = mine(lines, labelling)
    assert len(printed) == expected, "no double is printed"
    assert all(" ana " in line for line in printed)
    latest = {line.split()[2]: line.split()[-1] for line in printed}
    assert latest == {one: str(taxon) for one, taxon in finals}


def mine(lines: list[str], labelling: Labelling) -> list[str]:
    """Other tests may publish labels to the same broker."""
    return [line for line in lines if line.split()[2] in labelling.now]

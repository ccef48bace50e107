"""`plankton topics`: what can be subscribed to."""

from typing import Annotated

import typer

from plankton_stream.events import topics
from plankton_stream.settings import load_settings

app = typer.Typer()

_DAY_MS = 24 * 60 * 60 * 1000


@app.command("topics")
def list_topics(
    create: Annotated[
        bool, typer.Option("--create", help="First create those that are missing.")
    ] = False,
) -> None:
    """List the topics: their key, how long they are kept, and what is in them now."""
    from plankton_stream.adapters.kafka import KafkaAdmin

    settings = load_settings()
    admin = KafkaAdmin(settings.kafka_bootstrap)
    try:
        if create:
            sized = topics.sized(topics.ALL, settings.kafka_disk_mb)
            admin.ensure_topics(sized, replication=settings.replication)
        there = admin.topic_names()
        for topic in topics.ALL:
            records = f"{admin.records(topic):,} records" if topic.name in there else "missing"
            typer.echo(f"{topic.name:34} {records:>20}   key {topic.key}, kept {_kept(topic)}")
            typer.echo(f"    {topic.about}")
    finally:
        admin.close()


def _kept(topic: topics.Topic) -> str:
    milliseconds = int(topic.config["retention.ms"])
    if "compact" in topic.config["cleanup.policy"]:
        return "the last of each key"
    return "for ever" if milliseconds < 0 else f"{milliseconds // _DAY_MS} days"

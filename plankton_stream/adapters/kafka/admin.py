"""Topics of a Kafka cluster, and the places of consumer groups in them."""

from collections.abc import Iterable
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import OffsetSpec

from plankton_stream.adapters.kafka.connecting import connect
from plankton_stream.errors import RetryableError
from plankton_stream.events.spans import Span
from plankton_stream.events.topics import Topic

_NO_ERROR = kafka_errors.NoError.errno
_EXISTS = kafka_errors.TopicAlreadyExistsError.errno


class KafkaAdmin:
    """Creates topics and measures lag."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin = connect(KafkaAdminClient, bootstrap, client_id="plankton-admin")

    def ping(self) -> None:
        """Ask the cluster anything.

        Raises:
            RetryableError: it does not answer.
        """
        self.topic_names()

    def topic_names(self) -> set[str]:
        """Names of the topics that exist."""
        return set(self._call("list topics", self._admin.list_topics))

    def ensure_topics(self, topics: Iterable[Topic], *, replication: int = 1) -> list[str]:
        """Create the topics that are missing, wait until they serve; returns those made here."""
        have = self.topic_names()
        missing = [topic for topic in topics if topic.name not in have]
        if not missing:
            return []
        wanted = {
            topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": replication,
                "configs": topic.config,
            }
            for topic in missing
        }
        # The answer names each topic's own error, so one that exists hides no other's.
        answer = self._call("create topics", self._create_topics, wanted)
        codes = {made["name"]: made["error_code"] for made in answer["topics"]}
        for name, code in codes.items():
            if code not in (_NO_ERROR, _EXISTS):
                reason = kafka_errors.for_code(code).__name__
                raise RetryableError(f"Kafka at {self._bootstrap}: create topic {name}: {reason}")
        # Another process may have made some at the same moment: metadata show them later.
        self._call("wait for topics", self._admin.wait_for_topics, list(wanted))
        return [name for name, code in codes.items() if code == _NO_ERROR]

    def _create_topics(self, wanted: dict[str, dict[str, Any]]) -> Any:
        return self._admin.create_topics(wanted, raise_errors=False)

    def spans(self, topic: Topic, group: str = "") -> dict[int, Span]:
        """What each partition of a topic holds, see `LogReader.spans`."""
        partitions = self._partitions(topic)
        committed = self._places(group) if group else {}
        ends = self._offsets(partitions, OffsetSpec.LATEST)
        starts = self._offsets(partitions, OffsetSpec.EARLIEST)
        places = {
            # What was deleted by age before the group came to it is not waiting any more.
            p: max(starts[p], _place(committed.get(p), default=starts[p])) if group else ends[p]
            for p in partitions
        }
        return {p.partition: Span(starts[p], min(places[p], ends[p]), ends[p]) for p in partitions}

    def lag(self, group: str, topic: Topic) -> int:
        """Records of a topic that a consumer group has not finished with."""
        return sum(len(span.waiting) for span in self.spans(topic, group).values())

    def records(self, topic: Topic) -> int:
        """Records that the log keeps of a topic (an upper bound where it is compacted)."""
        return sum(len(span.done) for span in self.spans(topic).values())

    def _places(self, group: str) -> Any:
        return self._call("read a group's place", self._admin.list_group_offsets, group)[group]

    def _partitions(self, topic: Topic) -> list[TopicPartition]:
        (found,) = self._call("describe a topic", self._admin.describe_topics, [topic.name])
        return [TopicPartition(topic.name, p["partition_index"]) for p in found["partitions"]]

    def _offsets(
        self, partitions: list[TopicPartition], which: OffsetSpec
    ) -> dict[TopicPartition, int]:
        specs = dict.fromkeys(partitions, which)
        found = self._call("read offsets", self._admin.list_partition_offsets, specs)
        return {partition: offset.offset for partition, offset in found.items()}

    def close(self) -> None:
        """Give up the connection."""
        self._admin.close()

    def _call(self, what: str, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except kafka_errors.KafkaError as error:
            raise RetryableError(f"Kafka at {self._bootstrap}: {what} failed: {error}") from error


def _place(committed: Any, *, default: int) -> int:
    """The offset a group goes on from; `default` where it has committed nothing yet."""
    return int(committed.offset) if committed is not None and committed.offset >= 0 else default

"""How many records wait for this process, asked of the broker.

On a connection of its own, made for each question: the app's may be what is broken.
"""

import asyncio
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from plankton_stream.errors import RetryableError
from plankton_stream.events import topics

_ANSWER_S = 30.0

Partition = tuple[str, int]


class Waiting:
    """Counts the records that the group has not done, in the partitions that this process reads.

    Not in all of them: what waits for another member says nothing about this one.
    """

    def __init__(self, bootstrap: str, partitions: Callable[[], Iterable[Partition]]) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions

    def __call__(self) -> int:
        """Ask now. Blocks; to be called outside the app's event loop.

        Raises:
            RetryableError: the broker does not answer.
        """
        partitions = [TopicPartition(*partition) for partition in self._partitions()]
        if not partitions:
            return 0
        try:
            return asyncio.run(asyncio.wait_for(self._ask(partitions), _ANSWER_S))
        except (KafkaError, TimeoutError) as error:
            raise RetryableError(f"Kafka at {self._bootstrap}: lag not read: {error!r}") from error

    async def _ask(self, partitions: list[TopicPartition]) -> int:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap.split(","),
            group_id=topics.STREAMS_GROUP,  # it reads the group's places and does not join
            enable_auto_commit=False,
        )
        try:
            await consumer.start()
            ends = await consumer.end_offsets(partitions)
            starts = await consumer.beginning_offsets(partitions)
            committed = await asyncio.gather(*(consumer.committed(p) for p in partitions))
        finally:
            await consumer.stop()
        # What was deleted by age before the group came to it is not waiting any more.
        places = zip(partitions, committed, strict=True)
        return sum(max(0, ends[p] - max(starts[p], place or 0)) for p, place in places)

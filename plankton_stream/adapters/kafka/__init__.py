"""The event log on Apache Kafka, through kafka-python."""

from plankton_stream.adapters.kafka.admin import KafkaAdmin
from plankton_stream.adapters.kafka.publisher import KafkaPublisher, bounded_publisher
from plankton_stream.adapters.kafka.reading import KafkaLogReader
from plankton_stream.adapters.kafka.subscriber import KafkaReader, KafkaSubscriber

__all__ = [
    "KafkaAdmin",
    "KafkaLogReader",
    "KafkaPublisher",
    "KafkaReader",
    "KafkaSubscriber",
    "bounded_publisher",
]

"""The one place where topics are spelled: names, keys, partitions, retention.

Record timestamps are the log's append time, so that a backfilled archive does not expire on
arrival; event time is an attribute (`ce_capturedat`), and windows use it.
"""

from dataclasses import dataclass, field

from plankton_stream.domain import MAX_IMAGE_BYTES

MAX_RECORD_BYTES = MAX_IMAGE_BYTES + 1024 * 1024
"""Image plus headers. Topics, cameras and workers use this limit."""

MAX_DEAD_LETTER_BYTES = MAX_RECORD_BYTES + 1024 * 1024
"""Any record, and why it was rejected: a record at the limit must fit into its dead letter."""

_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the broker has to have it.

    Attributes:
        name: what consumers subscribe to; the suffix is the contract's version.
        key: what the record key is; records of one key keep their order.
        partitions: the most consumers of one group that can share the work.
        config: the topic's settings, by Kafka's own names.
    """

    name: str
    key: str
    partitions: int
    about: str
    config: dict[str, str] = field(default_factory=dict)


def _topic(
    name: str,
    *,
    key: str,
    about: str,
    days: float | None,
    partitions: int = 6,
    compact: bool = False,
    compact_after_h: int | None = None,
    max_bytes: int | None = None,
) -> Topic:
    policy = {(True, True): "compact,delete", (True, False): "compact"}.get(
        (compact, days is not None), "delete"
    )
    config = {
        "cleanup.policy": policy,
        "retention.ms": "-1" if days is None else str(int(days * _DAY_MS)),
        "message.timestamp.type": "LogAppendTime",
    }
    if max_bytes is not None:
        # Segments of 64 MB: retention removes whole segments, so they bound how far past the
        # byte cap a partition can grow.
        config |= {
            "max.message.bytes": str(max_bytes),
            "segment.bytes": str(64 * 1024 * 1024),
        }
    if compact_after_h is not None:
        # Else Kafka compacts closed segments only, and closes them after a week or 1 GB.
        config["max.compaction.lag.ms"] = str(compact_after_h * 60 * 60 * 1000)
    return Topic(name, key, partitions, about, config)


FRAMES = _topic(
    "plankton.frames.v1",
    key="camera id",
    days=1,
    max_bytes=MAX_RECORD_BYTES,
    about="Frames as the cameras made them (PNG, JPEG, TIFF).",
)
ROIS = _topic(
    "plankton.rois.v1",
    key="image id",
    days=3,
    max_bytes=MAX_RECORD_BYTES,
    about="Cut-outs: from the segment worker, or from instruments that cut for themselves.",
)
REEMBED = _topic(
    "plankton.reembed.v1",
    key="image id",
    days=3,
    about="Internal to workers: images that an encoder version lacks, embedded when no ROI waits.",
)
INDEXED = _topic(
    "plankton.indexed.v1",
    key="image id",
    days=30,
    about="An image became searchable, with which encoder.",
)
LABELS = _topic(
    "plankton.labels.v1",
    key="image id",
    days=None,
    about="Every label applied and retracted, for ever.",
)
LABELS_BY_CAMERA = _topic(
    "plankton.streams.labels-by-camera.v1",
    key="camera id",
    days=30,
    about="Internal to streams: the label events of a camera on one partition, for the census.",
)
LABELS_CURRENT = _topic(
    "plankton.labels.current.v1",
    key="image id",
    days=None,
    compact=True,
    compact_after_h=1,  # a worker of streams reads all of it when it starts
    about="The latest naming of each labelled image; an image lies on its camera's partition.",
)
TAXA = _topic(
    "plankton.taxa.v1",
    key="taxon",
    days=None,
    compact=True,
    partitions=1,
    about="What taxa are called and where they lie: labels have their keys.",
)
PREDICTIONS = _topic(
    "plankton.predictions.v1",
    key="image id",
    days=30,
    about="What the machine thinks of unlabelled images, with its evidence.",
)
CAMERAS = _topic(
    "plankton.cameras.v1",
    key="camera id",
    days=None,
    compact=True,
    partitions=1,
    about="What each camera has seen, sent and lost.",
)
CENSUS = _topic(
    "plankton.census.v1",
    key="camera, window",
    days=365,
    compact=True,
    about="Validated images per taxon, camera and window of capture time.",
)
ALERTS = _topic(
    "plankton.alerts.v1",
    key="subject",
    days=90,
    partitions=1,
    about="What needs a person (a silent camera), since when, and that it is well again.",
)
DEADLETTER = _topic(
    "plankton.deadletter.v1",
    key="the original key",
    days=30,
    max_bytes=MAX_DEAD_LETTER_BYTES,
    partitions=1,
    about="Records that can never succeed, with the cause and where they came from.",
)

SEGMENT_GROUP = "plankton-segment"
EMBED_GROUP = "plankton-embed"
REEMBED_GROUP = "plankton-reembed"
LABELS_GROUP = "plankton-labels"
PREDICT_GROUP = "plankton-predict"
STREAMS_GROUP = "plankton-streams"
"""Consumer groups of the workers; their lag is what waits."""

ALL = (
    FRAMES, ROIS, REEMBED, INDEXED, LABELS, LABELS_BY_CAMERA, LABELS_CURRENT, TAXA, PREDICTIONS,
    CAMERAS, CENSUS, ALERTS, DEADLETTER,
)  # fmt: skip


CONSUMERS = {FRAMES.name: SEGMENT_GROUP, ROIS.name: EMBED_GROUP}
"""Who has to have read an image before it may be deleted."""


def max_bytes(topic_name: str) -> int:
    """Largest record that a topic takes, bytes, with its key and headers."""
    return MAX_DEAD_LETTER_BYTES if topic_name == DEADLETTER.name else MAX_RECORD_BYTES


def partition_cap_bytes(topic: Topic, disk_mb: int) -> int:
    """What each partition of a topic may hold when the topic may hold `disk_mb` MB."""
    return disk_mb * 1_000_000 // topic.partitions


def sized(topics: tuple[Topic, ...], disk_mb: int) -> list[Topic]:
    """The topics with a byte cap on the two that hold images in bulk.

    Args:
        topics: as declared here.
        disk_mb: disk that the frames topic may take, in MB; the ROI topic gets the same.
    """
    return [
        Topic(
            t.name,
            t.key,
            t.partitions,
            t.about,
            t.config | {"retention.bytes": str(partition_cap_bytes(t, disk_mb))},
        )
        if t in (FRAMES, ROIS)
        else t
        for t in topics
    ]

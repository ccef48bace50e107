"""How every command starts: its settings, and logging that is the same in every process."""

import logging
import sys

from plankton_stream.settings import Settings, load_settings


def start_command() -> Settings:
    """Settings and logging of a command, the first thing that it asks for.

    Raises:
        ConfigError: see `load_settings`.
    """
    settings = load_settings()
    start_logging(settings)
    return settings


def start_logging(settings: Settings) -> None:
    """Log to stderr, one line an event, from the level that the settings name."""
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.log_level,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        force=True,
    )
    # They report each failed attempt to connect as an error, several a second while a broker is
    # away. Our adapters say once what that means.
    for hasty in ("kafka.net", "kafka.cluster"):
        logging.getLogger(hasty).setLevel(logging.CRITICAL)
    # The client libraries tell of every connection at INFO.
    for chatty in ("kafka", "pymilvus", "alembic", "urllib3", "aiokafka"):
        logging.getLogger(chatty).setLevel(
            max(logging.WARNING, logging.getLevelName(settings.log_level))
        )

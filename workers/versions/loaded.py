"""The encoder versions that a process has at hand: it follows the catalog, in the background."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plankton_stream.adapters.sql import Catalog
from plankton_stream.errors import ConfigError, RetryableError
from plankton_stream.ports import VectorIndex
from plankton_stream.versions import EncoderVersion, VersionState
from workers.encoders import Encoder

log = logging.getLogger(__name__)

_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Version:
    """An encoder with the index of its vectors."""

    encoder: Encoder
    index: VectorIndex

    @property
    def id(self) -> str:
        """Id of the version."""
        return self.encoder.identity.id


class LoadedVersions:
    """Live, previous, and the one that is being filled, loaded before they are needed.

    One thread calls `refresh` or `follow`; any number read.
    """

    def __init__(self, catalog: Catalog, load: Callable[[EncoderVersion], Version]) -> None:
        """Nothing is loaded yet.

        Args:
            catalog: says which versions there are.
            load: gives one; may take its time.
        """
        self._catalog = catalog
        self._load = load
        self._kept: Sequence[EncoderVersion] = ()
        self._loaded: dict[str, Version] = {}
        self._broken: dict[str, ConfigError] = {}

    def follow(self, stop: threading.Event) -> None:
        """Refresh once a second until `stop` is set; parts that are away are waited for."""
        while not stop.is_set():
            try:
                self.refresh()
            except RetryableError as error:
                log.warning("encoder versions: %s; trying again", error)
            stop.wait(_EVERY_S)

    def refresh(self) -> None:
        """Load what the catalog has that is not at hand, and let go of what it gave up.

        A version that can't be loaded is given up in the catalog if it is being filled, so that
        whoever published it is told; the live one is untouched.

        Raises:
            RetryableError: a part does not answer.
        """
        kept = self._catalog.encoders.kept()
        ids = {version.encoder for version in kept}
        self._kept = kept
        self._loaded = {i: version for i, version in self._loaded.items() if i in ids}
        # One that is to be filled (again) gets another chance.
        tried = ids - {version.encoder for version in kept if version.filling}
        self._broken = {i: error for i, error in self._broken.items() if i in tried}
        for version in sorted(kept, key=lambda version: version.state is not VersionState.LIVE):
            if version.encoder not in self._loaded | self._broken:
                self._add(version)

    def live(self) -> Version:
        """The version whose vectors are searched.

        Raises:
            ConfigError: it can't be loaded.
            RetryableError: it is not at hand yet.
        """
        for version in self._kept:
            if version.state is VersionState.LIVE:
                if version.encoder in self._broken:
                    raise self._broken[version.encoder]
                if version.encoder in self._loaded:
                    return self._loaded[version.encoder]
        raise RetryableError("the live encoder version is being loaded")

    def written(self) -> list[Version]:
        """The versions that a new image is embedded for: the live one first.

        Raises:
            ConfigError, RetryableError: as `live`.
        """
        filling = (v.encoder for v in self._kept if v.filling)
        return list({v.id: v for v in (self.live(), *map(self.get, filling)) if v}.values())

    def get(self, encoder: str) -> Version | None:
        """A version by its id, if it is at hand."""
        return self._loaded.get(encoder)

    def are_complete(self) -> bool:
        """Whether all that have to be written are at hand."""
        return all(v.encoder in self._loaded for v in self._kept if v.is_written)

    def _add(self, version: EncoderVersion) -> None:
        try:
            loaded = self._load(version)
        except RetryableError:
            raise
        except Exception as error:  # the boundary of a network that somebody else made
            log.exception("encoder version %s can't be loaded", version.encoder)
            why = ConfigError(f"encoder version {version.encoder} can't be loaded: {error}")
            self._broken[version.encoder] = why
            self._catalog.encoders.fail(version.encoder, str(why))
        else:
            # A new dictionary: readers may be going through the old one.
            self._loaded = self._loaded | {version.encoder: loaded}
            log.info("encoder version %s is at hand (%s)", version.encoder, version.state)

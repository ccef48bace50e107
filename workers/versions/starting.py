"""How an embed worker comes by its versions: the catalog's, or the first one by the settings."""

import logging
import threading
from collections.abc import Callable

from plankton_stream.adapters.sql import Catalog
from plankton_stream.adapters.weights import WeightsStore
from plankton_stream.ports import VectorIndex
from plankton_stream.retrying import wait_for
from plankton_stream.settings import Settings
from plankton_stream.versions import EncoderVersion, VersionState
from workers.encoders import Encoder, load_encoder
from workers.versions import weights
from workers.versions.loaded import LoadedVersions, Version

log = logging.getLogger(__name__)


def start_versions(
    settings: Settings,
    catalog: Catalog,
    open_index: Callable[[str, int], VectorIndex],
    stop: threading.Event,
) -> LoadedVersions:
    """The versions that the catalog has, the live one loaded, followed until `stop` is set.

    Raises:
        ConfigError: the live version can't be loaded.
        SystemExit: it was stopped before that.
    """
    store = WeightsStore(settings.encoder_store_url)
    first = wait_for(lambda: _claim_first(settings, catalog, store), stop)

    def load(version: EncoderVersion) -> Version:
        encoder = first.pop(version.encoder, None)
        encoder = encoder or weights.load(version, store, settings.embed_batch)
        return Version(encoder, open_index(version.encoder, version.dimension))

    versions = LoadedVersions(catalog, load)
    threading.Thread(target=versions.follow, args=(stop,), name="versions", daemon=True).start()
    wait_for(versions.live, stop)
    return versions


def _claim_first(settings: Settings, catalog: Catalog, store: WeightsStore) -> dict[str, Encoder]:
    """Make the settings' encoder live in a new catalog; gives it, by its id, if it was loaded."""
    name, given = settings.encoder, settings.encoder_weights
    live = _live(catalog)
    if live is not None and live.file:
        if live.source != weights.described(name, given):
            log.info(
                "encoder %s (%s) is used, because it is live; PLANKTON_ENCODER=%s with %s names "
                "only the first one of a catalog: `plankton encoder publish` makes it the next",
                live.encoder, live.source, name, given,
            )  # fmt: skip
        return {}
    encoder = load_encoder(name, given, settings.embed_batch)
    identity = encoder.identity
    if live is None or live.encoder == identity.id:
        kept = weights.keep_copy(encoder, name, given, store)
        catalog.encoders.claim(identity.id, identity.dimension, kept, who=settings.user)
    return {identity.id: encoder}


def _live(catalog: Catalog) -> EncoderVersion | None:
    """The live version, if there is one.

    Raises:
        RetryableError: the catalog does not answer.
    """
    kept = catalog.encoders.kept()
    return next((v for v in kept if v.state is VersionState.LIVE), None)

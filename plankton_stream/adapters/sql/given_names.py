"""Names that images had before they came to us become labels like any other."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from plankton_stream.adapters.sql.engine import in_chunks, writing
from plankton_stream.adapters.sql.labels import LabelRequest, apply_label, lock_images, to_label
from plankton_stream.adapters.sql.schema import labels
from plankton_stream.adapters.sql.taxon_rows import read_merged, read_taxa, valid_keys, write_new
from plankton_stream.domain import (
    GivenName,
    Image,
    Label,
    LabelSource,
    LabelState,
    Taxon,
    TaxonKind,
)
from plankton_stream.imported import is_imported, reason
from plankton_stream.slugs import slug

_NOT_LIVING = "not-living"  # EcoTaxa's branch of what is no organism


class GivenNames:
    """Adopts the names that came with images."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def adopt(self, names: Mapping[str, GivenName]) -> None:
        """Label images with the names that they came with; unknown taxa are made.

        What somebody said here is never replaced: only an image that has no label now, or one of an
        import, gets one. A name that the image once had from an import does not come back, so this
        may be repeated, and a name that was taken back stays away.

        Args:
            names: by image id; ids that are not in the catalog are skipped.

        Raises:
            RetryableError: the database does not answer; nothing was labelled.
        """
        if not names:
            return
        with writing(self._engine) as connection:
            found = lock_images(connection, list(names))
            had = _history(connection, list(found))
            keys = _Taxa(connection)
            groups: dict[LabelRequest, list[str]] = defaultdict(list)
            for image_id, image in found.items():
                request = _request(names[image_id], keys)
                if _is_open(image, had[image_id], request):
                    groups[request].append(image_id)
            for request, ids in groups.items():
                apply_label(connection, replace(request, image_ids=tuple(ids)))


def _is_open(image: Image, had: list[Label], request: LabelRequest) -> bool:
    """Whether an image may get this name: nobody named it here, and it never had this one."""
    asked = (request.taxon, request.state, request.who, request.why)
    if asked in [(label.taxon, label.state, label.who, label.why) for label in had]:
        return False
    holds = [label for label in had if label.label_id == image.label_id]
    return all(is_imported(label) for label in holds)


def _history(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[Label]]:
    had: dict[str, list[Label]] = defaultdict(list)
    for chunk in in_chunks(ids):
        for row in connection.execute(sa.select(labels).where(labels.c.image_id.in_(chunk))):
            had[row.image_id].append(to_label(row))
    return had


def _request(name: GivenName, keys: "_Taxa") -> LabelRequest:
    machine = name.state is LabelState.PREDICTED
    return LabelRequest(
        image_ids=(), taxon=keys.key_of(name.taxon, name.origin), state=name.state,
        who=name.who or name.origin, why=reason(name),
        source=LabelSource.MACHINE if machine else LabelSource.HUMAN,
    )  # fmt: skip


class _Taxa:
    """Finds taxa by what people call them, and makes those that are not there."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        have = read_taxa(connection)
        self._keys = {s.casefold(): one.key for one in have.values() for s in one.synonyms}
        self._keys |= {one.name.casefold(): one.key for one in have.values()}
        self._keys |= read_merged(connection) | {key: key for key in have}

    def key_of(self, name: str, origin: str) -> str:
        """The key of the taxon that has this name, synonym or key, however its letters are written.

        Args:
            name: that an image came with.
            origin: the kind of file that says so.
        """
        key = self._keys.get(name.casefold()) or self._keys.get(slug(name))
        key = key or self._add(name, origin)
        # It may have been merged since they were read; from here on it can't be.
        return valid_keys(self._connection, [key]).get(key, key)

    def _add(self, name: str, origin: str) -> str:
        key = slug(name, otherwise="taxon-" + name.encode().hex()[:40])
        kind = TaxonKind.NON_LIVING if _NOT_LIVING in name.lower() else TaxonKind.LIVING
        taxon = Taxon(key=key, name=name, kind=kind)
        write_new(self._connection, [taxon], who=origin, why="came with images")
        self._keys[name.casefold()] = self._keys[key] = key
        return key

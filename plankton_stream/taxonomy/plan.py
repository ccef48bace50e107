"""What taking in a file would do: compares it with what is there and touches nothing.

A taxon of the file is one of ours if it has the same key, else the same AphiaID, else the same name
(where the name is no scientific one, as `egg`, or where there are several, below the same parent).
What ours lacks is completed; where the two differ ours stays, unless the file is to win.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from pydantic import TypeAdapter, ValidationError

from plankton_stream.domain import Name, Rank, Slug, Taxon, TaxonKind
from plankton_stream.slugs import slug
from plankton_stream.taxonomy.lookup import Here, InFile
from plankton_stream.taxonomy.source import Entry, Source
from plankton_stream.taxonomy.tree import find_circle, parents_first

_CHECKS = {
    "name": (TypeAdapter(Name), "a name is one line of 1…200 characters"),
    "rank": (TypeAdapter(Rank), "a rank is 1…40 characters"),
    "key": (TypeAdapter(Slug), "a key is 1…64 of a-z 0-9 . _ -, the first a letter or digit"),
}
_MAX_APHIA_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        new: taxa to add, parents first.
        changed: taxa as they are and as they are to be.
        kept: where the file says something else than what is there, and ours stays.
        unchanged: taxa of the file that are there just so.
    """

    new: list[Taxon] = field(default_factory=list)
    changed: list[tuple[Taxon, Taxon]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    unchanged: int = 0


def plan(
    source: Source,
    have: Mapping[str, Taxon],
    merged: Mapping[str, str],
    *,
    update: bool = False,
    under: str | None = None,
) -> Plan:
    """What taking in a file would do.

    Args:
        source: the file.
        have: the taxa that are there, by key.
        merged: keys that were merged, each with the valid one.
        update: where the two differ the file wins; else what is there stays.
        under: key of the taxon below which those go whose parent the file does not name.

    Raises:
        RejectedError: something is wrong with the file; all of it is named.
    """
    return _Planner(source, have, merged, update=update, under=under).plan()


class _Planner:
    def __init__(
        self, source: Source, have: Mapping[str, Taxon], merged: Mapping[str, str], *,
        update: bool, under: str | None,
    ) -> None:  # fmt: skip
        self._source = source
        self._mistakes = source.mistakes
        self._have = have
        self._merged = merged
        self._update = update
        self._under = under
        self._ours = Here(have)
        self._keys: dict[str, str] = {}  # of idents, as far as they are decided
        self._result: dict[str, Taxon] = {}  # by key, of all taxa of the file
        self._called: dict[tuple[str, str | None], Entry] = {}
        self._plan = Plan()

    def plan(self) -> Plan:
        self._check_values()
        self._file = InFile(self._source, self._mistakes)
        parents = {one.ident: self._parent(one) for one in self._source.valid()}
        self._accepted = {
            one.ident: self._accepts(one) for one in self._source.entries if one.accepted
        }
        self._check_circles(parents)
        self._mistakes.check()
        by_ident = {one.ident: one for one in self._source.valid()}
        for ident in parents_first(by_ident, parents):
            self._decide(by_ident[ident], parents[ident])
        self._add_synonyms()
        self._check_result()
        self._mistakes.check()
        return self._conclude()

    # --- what a line says

    def _check_values(self) -> None:
        for one in self._source.entries:
            for name in ("name", "rank", "key"):
                self._check(one, name, getattr(one, name))
            for synonym in one.synonyms:
                self._check(one, "synonyms", synonym)
            if one.aphia_id is not None and not 1 <= one.aphia_id <= _MAX_APHIA_ID:
                self._wrong(one, "aphia_id", f"{one.aphia_id} is no AphiaID: 1…{_MAX_APHIA_ID}")

    def _check(self, one: Entry, name: str, value: str | None) -> None:
        if value is None:
            return
        adapter, allowed = _CHECKS["name" if name == "synonyms" else name]
        try:
            adapter.validate_python(value)
        except ValidationError:
            shown = value if len(value) <= 40 else value[:40] + "…"
            self._wrong(one, name, f"{shown!r} ({len(value)} characters): {allowed}")

    def _wrong(self, one: Entry, name: str, message: str) -> None:
        self._mistakes.add(one.line, name, message)

    # --- what it refers to: idents of the file, or keys of ours as `=key`

    def _find(self, one: Entry, name: str, references: tuple[str, ...]) -> str | None:
        """An ident of the file, or one of our keys after `=`; None and a mistake if unknown."""
        for reference in references:
            ident = self._file.find(reference)
            if ident is not None:
                return ident
            key = self._ours.find(reference, self._merged)
            if key is not None:
                return f"={key}"
            if self._file.is_ambiguous(reference) or self._ours.is_ambiguous(reference):
                self._wrong(one, name, f"several taxa are called {reference!r}: give a key or id")
                return None
        if name == "parent" and self._under is not None:
            return f"={self._under}"
        way_out = "; --under KEY puts it below that taxon" if name == "parent" else ""
        self._wrong(
            one, name, f"{references[0]!r} is neither in the file nor among the taxa here{way_out}"
        )
        return None

    def _parent(self, one: Entry) -> str | None:
        if not one.parent:
            return None if self._under is None else f"={self._under}"
        found = self._find(one, "parent", one.parent)
        accepted = self._file.synonyms.get(found or "")
        if accepted is not None:
            self._wrong(one, "parent", f"{one.parent[0]!r} is a synonym (line {accepted.line})")
            return None
        return found

    def _accepts(self, one: Entry) -> str | None:
        found = self._find(one, "accepted", one.accepted)
        other = self._file.synonyms.get(found or "")
        if other is not None:
            self._wrong(
                one, "accepted",
                f"{one.accepted[0]!r} is a synonym itself (line {other.line}): name the valid one",
            )  # fmt: skip
        return found

    def _check_circles(self, parents: Mapping[str, str | None]) -> None:
        done: set[str] = set()
        for one in self._source.valid():
            circle = [] if one.ident in done else find_circle(parents, one.ident)
            if circle:
                done |= set(circle)
                names = " in ".join(self._file.names[ident] for ident in circle)
                self._wrong(one, "parent", f"a circle: {names}")

    # --- which of ours it is, and what it is to be

    def _decide(self, one: Entry, parent: str | None) -> None:
        above = None
        if parent is not None:
            above = parent[1:] if parent.startswith("=") else self._keys.get(parent)
        if one.key is not None and one.key in self._merged:
            self._keys[one.ident] = self._merged[one.key]
            self._keep(one, f"{one.key!r} was merged into {self._merged[one.key]!r} here; left out")
            return
        old = self._match(one, above)
        if old is not None and old.key in self._result:
            self._wrong(one, "name", f"{one.name!r} is {old.key!r}, as another line is")
            return
        if old is None and one.key is None and one.name.casefold() in self._ours.synonyms:
            key = self._ours.synonyms[one.name.casefold()]
            self._wrong(one, "name", f"{one.name!r} is a synonym of {key!r} here: remove it there")
            return
        if one.key is None and one.aphia_id is None:
            first = self._called.setdefault((one.name.casefold(), above), one)
            if first is not one:
                where = "at the top" if above is None else f"below {above!r}"
                self._wrong(one, "name", f"{one.name!r} is in line {first.line}, {where} as well")
                return
        new = self._new(one, above) if old is None else self._completed(one, old, above)
        self._keys[one.ident] = new.key
        self._result[new.key] = new

    def _match(self, one: Entry, above: str | None) -> Taxon | None:
        if one.key is not None and one.key in self._have:
            return self._have[one.key]
        if one.aphia_id in self._ours.aphia_ids:
            found = self._ours.aphia_ids[one.aphia_id]
            if one.key is not None:
                self._wrong(one, "aphia_id", f"{one.aphia_id} is that of {found.key!r} here")
            return found
        if one.key is not None:
            return None
        called_so = [
            other for other in self._ours.names[one.name.casefold()]
            if None in (one.aphia_id, other.aphia_id) or one.aphia_id == other.aphia_id
        ]  # fmt: skip
        if len(called_so) == 1 and not self._needs_parent(one, called_so[0]):
            return called_so[0]
        below = [other for other in called_so if other.parent == above]
        return below[0] if below else None

    def _needs_parent(self, one: Entry, other: Taxon) -> bool:
        """Whether a name alone does not tell: `egg` is another thing below another parent."""
        if self._file.count[one.name.casefold()] > 1:
            return True
        dead = TaxonKind.NON_LIVING
        if not one.parent or (one.kind, other.kind) == (dead, dead):
            return False
        return one.name[:1].islower() or "morphotype" in (one.rank, other.rank)

    def _new(self, one: Entry, above: str | None) -> Taxon:
        return Taxon(
            key=one.key or self._free_key(one, above), name=one.name, rank=one.rank, parent=above,
            aphia_id=one.aphia_id, kind=one.kind or TaxonKind.LIVING,
            synonyms=_sorted(one.synonyms, one.name),
        )  # fmt: skip

    def _free_key(self, one: Entry, above: str | None) -> str:
        """A key made of a name, then of name and parent, then with a number."""
        parent = self._taxon(above)
        below = [f"{one.name} {parent.name}"] if parent else []
        numbered = (f"{one.name[:50]} {number}" for number in count(2))
        otherwise = "taxon-" + one.name.encode().hex()[:40]
        used = (self._have, self._merged, self._result, self._file.keys)
        for text in chain([one.name], below, numbered):
            key = slug(text, otherwise=otherwise)
            if not any(key in some for some in used):
                return key
        raise AssertionError  # there is always another number

    def _completed(self, one: Entry, old: Taxon, above: str | None) -> Taxon:
        """Ours with what the file knows more; where they differ ours, or the file if it wins."""
        says = {"rank": one.rank, "parent": above, "aphia_id": one.aphia_id, "kind": one.kind}
        says["name"] = one.name
        values: dict[str, Any] = {}
        for name, said in says.items():
            ours = getattr(old, name)
            if said is None or said == ours:
                continue
            if ours is None or self._update:
                values[name] = said
            else:
                self._keep(one, f"{old.key}: {name} is {said!s} there and {ours!s} here")
        name = values.get("name", old.name)
        others = [*old.synonyms, *one.synonyms, old.name]
        return old.model_copy(update=values | {"synonyms": _sorted(others, name)})

    def _keep(self, one: Entry, message: str) -> None:
        self._plan.kept.append(f"line {one.line}: {message}")

    def _taxon(self, key: str | None) -> Taxon | None:
        return None if key is None else self._result.get(key) or self._have.get(key)

    # --- all together

    def _add_synonyms(self) -> None:
        for one in self._source.entries:
            found = self._accepted.get(one.ident) if one.accepted else None
            if found is None:
                continue
            key = found[1:] if found.startswith("=") else self._keys.get(found, "")
            taxon = self._taxon(key)
            if taxon is not None:
                others = _sorted([*taxon.synonyms, one.name, *one.synonyms], taxon.name)
                self._result[key] = taxon.model_copy(update={"synonyms": others})

    def _check_result(self) -> None:
        after = {**self._have, **self._result}
        parents = {key: taxon.parent for key, taxon in after.items()}
        lines = {key: one for one in self._source.valid() if (key := self._keys.get(one.ident))}
        names: defaultdict[str, set[str]] = defaultdict(set)
        ids: defaultdict[int | None, set[str]] = defaultdict(set)
        for taxon in after.values():
            names[taxon.name.casefold()].add(taxon.key)
            ids[taxon.aphia_id].add(taxon.key)
        del ids[None]
        taken: dict[str, str] = {}
        for taxon in after.values():
            for synonym in taxon.synonyms:
                folded = synonym.casefold()
                others = names.get(folded, set()) - {taxon.key} | {taken.get(folded, taxon.key)}
                taken.setdefault(folded, taxon.key)
                if others != {taxon.key}:
                    self._check_synonym(synonym, taxon, sorted(others - {taxon.key})[0])
        for key, one in lines.items():
            new = after[key]
            twice = sorted(ids.get(new.aphia_id, set()) - {key})
            if twice:
                self._wrong(one, "aphia_id", f"{new.aphia_id} is that of {twice[0]!r} as well")
            if (circle := find_circle(parents, key)) and new != self._have.get(key):
                self._wrong(one, "parent", f"with what is here a circle: {' in '.join(circle)}")

    def _check_synonym(self, synonym: str, taxon: Taxon, other: str) -> None:
        """Note that a synonym leads to two taxa, at the line that says so."""
        folded = synonym.casefold()
        for one in self._source.entries:
            called = one.name.casefold() == folded
            if called or any(text.casefold() == folded for text in one.synonyms):
                self._wrong(
                    one, "name" if called else "synonyms",
                    f"{synonym!r} would lead to {taxon.key!r} and to {other!r}: a synonym leads to "
                    "one taxon, and is no valid name",
                )  # fmt: skip
                return

    def _conclude(self) -> Plan:
        parents = {key: taxon.parent for key, taxon in self._result.items()}
        unchanged = 0
        for key in parents_first(self._result, parents):
            old, new = self._have.get(key), self._result[key]
            if old is None:
                self._plan.new.append(new)
            elif old != new:
                self._plan.changed.append((old, new))
            else:
                unchanged += 1
        return Plan(self._plan.new, self._plan.changed, self._plan.kept, unchanged)


def _sorted(synonyms: Any, name: str) -> tuple[str, ...]:
    """Synonyms once each, by name, without the name itself."""
    once = {text.casefold(): text for text in reversed(list(synonyms))}
    once.pop(name.casefold(), None)
    return tuple(sorted(once.values(), key=str.casefold))

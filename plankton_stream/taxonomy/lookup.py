"""Finding taxa by what a file calls them: among those here, and in the file itself."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from plankton_stream.domain import Taxon
from plankton_stream.taxonomy.source import Entry, Mistakes, Source, aphia_of


class Here:
    """What is here, by all that it may be called."""

    def __init__(self, have: Mapping[str, Taxon]) -> None:
        self.have = have
        self.aphia_ids = {one.aphia_id: one for one in have.values() if one.aphia_id is not None}
        self.names: defaultdict[str, list[Taxon]] = defaultdict(list)
        self.synonyms: dict[str, str] = {}
        for one in have.values():
            self.names[one.name.casefold()].append(one)
            self.synonyms |= {text.casefold(): one.key for text in one.synonyms}

    def find(self, reference: str, merged: Mapping[str, str]) -> str | None:
        """The key of what a file refers to; None: not here, or not clear."""
        if reference in self.have:
            return reference
        if reference in merged:
            return merged[reference]
        known = self.aphia_ids.get(aphia_of(reference) or 0)
        called_so = self.names.get(reference.casefold(), [])
        if known is None and len(called_so) == 1:
            known = called_so[0]
        if known is not None:
            return known.key
        return None if called_so else self.synonyms.get(reference.casefold())

    def is_ambiguous(self, reference: str) -> bool:
        """Whether several taxa are called so."""
        return len(self.names.get(reference.casefold(), [])) > 1


class InFile:
    """What a file calls its taxa; notes what it says twice."""

    def __init__(self, source: Source, mistakes: Mistakes) -> None:
        self.names: dict[str, str] = {}
        self.synonyms: dict[str, Entry] = {}
        self.keys: set[str] = set()
        self.count: Counter[str] = Counter()
        self._idents: dict[str, Entry] = {}
        self._called: defaultdict[str, list[Entry]] = defaultdict(list)
        seen: dict[tuple[str, object], Entry] = {}
        for one in source.entries:
            said: list[tuple[str, str | int | None]]
            said = [("ident" if one.key is None else "key", one.ident)]
            said += [] if one.accepted else [("aphia_id", one.aphia_id)]
            for name, value in said:
                first = seen.setdefault((name, value), one)
                if value is not None and first is not one:
                    mistakes.add(one.line, name, f"{value} is in line {first.line} already")
            self._idents.setdefault(one.ident, one)
            self.names[one.ident] = one.name
            if one.accepted:
                self.synonyms[one.ident] = one
            else:
                self.count[one.name.casefold()] += 1
                self._called[one.name.casefold()].append(one)
                self.keys |= {one.key} if one.key else set()

    def find(self, reference: str) -> str | None:
        """The ident of what the file refers to; None: not in it, or not clear."""
        if reference in self._idents:
            return reference
        called_so = self._called.get(reference.casefold(), [])
        return called_so[0].ident if len(called_so) == 1 else None

    def is_ambiguous(self, reference: str) -> bool:
        """Whether several taxa are called so."""
        return len(self._called.get(reference.casefold(), [])) > 1

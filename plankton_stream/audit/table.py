"""An audit's result for people."""

from collections import Counter
from collections.abc import Iterator

from plankton_stream.audit.findings import SHOWN, CameraCounts, Fate, Findings
from plankton_stream.audit.repair import Repaired


def table(findings: Findings) -> list[str]:
    """A block per camera, then what is missing."""
    lines = [line for camera in sorted(findings.cameras) for line in _camera(findings, camera)]
    if not findings.missing:
        rest = f"; {findings.waiting:,} pieces of work wait" if findings.waiting else ""
        return [*lines, f"nothing is missing{rest}"]
    for where, count in findings.kinds():
        lines.append(f"MISSING {count:,} {where}")
        lines += [f"    {name}" for name in findings.examples[where]]
        if more := count - findings.named[where]:
            lines.append(f"    and {more:,} more")
    return lines


def repair_table(done: Repaired) -> list[str]:
    """What a repair did."""
    lines = [
        f"sent again: {done.frames:,} frames, {done.rois:,} ROIs; asked for {done.vectors:,} "
        f"vectors; wrote {done.names:,} names"
    ]
    lines += [f"NOT REPAIRED {count:,}: {why}" for why, count in done.hopeless.items()]
    return [*lines, "the workers do the rest: run `plankton audit` again when nothing waits"]


def _camera(findings: Findings, camera: str) -> Iterator[str]:
    counts = findings.cameras[camera]
    yield camera
    if counts.sent is not None:
        yield _line("sent", f"{counts.sent:,} by its last status ({_arrived(counts)})")
        if counts.dropped:
            because = ", ".join(f"{why} {n:,}" for why, n in counts.dropped_because.most_common())
            text = f"{counts.dropped:,} before they reached the log"
            yield _line("dropped", f"{text} ({because})" if because else text)
    if new := counts.numbers[Fate.WAITING]:
        yield _line("numbers", f"{new:,} too new to be judged: its next status tells of them")
    if counts.frames:
        outcomes = [f"{counts.outcomes[name]:,} {name}" for name in sorted(counts.outcomes)]
        yield _line("frames", _fates(counts.frames, ", ".join(outcomes)))
    yield _line("ROIs", _fates(counts.rois, f"{counts.rois[Fate.PRESENT]:,} indexed"))
    yield _line("bytes", _fates(counts.bytes, f"{counts.bytes[Fate.PRESENT]:,} stored"))
    for encoder, each in sorted(counts.vectors.items()):
        yield _line("vectors", _fates(each, f"{each[Fate.PRESENT]:,} of {encoder}"))
    if counts.names:
        yield _line("names", _fates(counts.names, "", missing="stale"))
    for reason, count in counts.reasons.most_common(SHOWN):
        yield _line("rejected", f"{count:,}: {reason}")


def _arrived(counts: CameraCounts) -> str:
    if counts.arrived is None:
        return "the log has deleted some since"
    return f"{counts.arrived:,} arrived since it started"


def _fates(counts: Counter[Fate], present: str, *, missing: str = "missing") -> str:
    words = {Fate.WAITING: "waiting", Fate.REJECTED: "rejected", Fate.DELETED: "deleted"}
    parts = [f"{counts[fate]:,} {word}" for fate, word in words.items() if counts[fate]]
    lost = [f"{counts[Fate.MISSING]:,} {missing.upper()}"] if counts[Fate.MISSING] else []
    return ", ".join(filter(None, [present, *parts, *lost])) or "none"


def _line(name: str, text: str) -> str:
    return f"  {name:9} {text}"

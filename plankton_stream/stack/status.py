"""`plankton status`: what runs on a home, for people and for scripts."""

import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from plankton_stream.errors import RetryableError
from plankton_stream.stack.disk import read_outlook
from plankton_stream.stack.home import Home
from plankton_stream.stack.ready import has_announced
from plankton_stream.stack.supervision import Seen, Supervisor

_PARTS = ("web", "kafka", "milvus", "catalog")
_PASSWORDS = (
    (re.compile(r"(://[^:/@]*):[^/]*@"), r"\1:***@"),
    (re.compile(r"([?&](?:password|sslpassword|token)=)[^&]*", re.IGNORECASE), r"\1***"),
)


def status(home: Home, *, budget_mb: int = 0) -> dict[str, Any]:
    """What runs on a home.

    Args:
        home: where.
        budget_mb: the disk budget, MB; 0: all of the disk.

    Returns:
        `state` (running or stopped), `home`, `pid` of `plankton up`, the URLs of the parts `web`,
        `kafka`, `milvus` and `catalog`, and `processes`: for each its name, pid, state, restarts
        since `plankton up`, seconds since its last start, memory in MB (shared pages counted in
        proportion) and log; `disk`: the last look at it, see `disk.Outlook`, None if there was
        none; `spools`: for each camera, also if it is not running, the bytes that wait on disk.
        Stopped: the pid and the URLs are None, and there are no processes.
    """
    try:
        everything = Supervisor(home.socket).seen() if home.supervisor() else []
    except RetryableError:
        everything = []
    known = home.read_state() if everything else {}
    restarts = known.get("restarts", {})
    disk = read_outlook(home, budget_mb) if home.root.exists() else None
    return {
        "state": "running" if everything else "stopped",
        "home": str(home.root),
        **{key: known.get(key) for key in ("pid", *_PARTS)},
        "disk": disk.as_json() | {"line": disk.line()} if disk else None,
        "processes": [_process(home, seen, restarts.get(seen.name, 0)) for seen in everything],
        "spools": [_spool(folder) for folder in sorted(home.spool.glob("*/"))],
    }


def table(found: dict[str, Any]) -> list[str]:
    """The same for people: a line per part."""
    waiting = [one for one in found["spools"] if one["bytes"]]
    spools = [f"{one['camera']:20} {one['bytes'] / 1e6:8.1f} MB" for one in waiting]
    if spools:
        spools = ["", "waiting on disk, for Kafka", *spools]
    if found["state"] == "stopped":
        return [f"nothing is running on {found['home']}: `plankton up` starts it", *spools]
    lines = [f"{part:8} {found[part]}" for part in _PARTS if found[part]]
    lines += ["", f"{'process':10} {'state':10} {'pid':>8} {'restarts':>8} {'MB':>6}  since"]
    for one in found["processes"]:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one["since"]))
        lines.append(
            f"{one['name']:10} {one['state']:10} {one['pid'] or '-':>8} {one['restarts']:>8} "
            f"{one['memory_mb'] or '-':>6}  {since if one['pid'] else '-'}"
        )
    if disk := found["disk"]:
        lines += ["", f"disk     {disk['line']}"]
        lines += ["WARNING  less than a day or a tenth is left"] if disk["warning"] else []
    return lines + spools


def without_password(url: str) -> str:
    """A URL that can be shown."""
    for pattern, replacement in _PASSWORDS:
        url = pattern.sub(replacement, url)
    return url


def _process(home: Home, seen: Seen, restarts: int) -> dict[str, Any]:
    return {
        "name": seen.name,
        "pid": seen.pid,
        "state": _state(home, seen),
        "restarts": restarts,
        "since": seen.since,
        "memory_mb": memory_mb(seen.pid),
        "log": str(home.log / f"{seen.name}.log"),
    }


def _spool(folder: Path) -> dict[str, Any]:
    size = 0
    for file in folder.glob("*.frames"):
        with suppress(FileNotFoundError):  # the camera removes what is sent
            size += file.stat().st_size
    return {"camera": folder.name, "bytes": size}


def _state(home: Home, seen: Seen) -> str:
    """Supervisord's word; but `starting` until a process of ours has announced itself."""
    ready = home.run / f"{seen.name}.ready"
    announces = seen.name not in {"kafka", "milvus"}
    if seen.state in {"running", "starting"} and announces:
        return "running" if has_announced(ready, seen.pid) else "starting"
    return seen.state


def memory_mb(pid: int) -> int:
    """Memory of a process and its children, MB, shared pages in proportion; 0 if unknown."""
    import psutil  # noqa: PLC0415

    total = 0
    try:
        root = psutil.Process(pid) if pid else None
        for process in [root, *root.children(recursive=True)] if root else []:
            memory = process.memory_full_info()
            total += getattr(memory, "pss", memory.uss)
    except psutil.Error:
        return 0
    return round(total / 1_000_000)

"""How much water an Imaging FlowCytobot has looked at during a run.

Volume = speed of the syringe x time in which the instrument was looking; it is blind while it is
busy with a trigger (Olson & Sosik 2007, Limnol. Oceanogr. Methods 5:195-203). The formulas are
those of pyifcb (`ml_analyzed.py`) and WHOI's ifcb-analysis, without their repair of counters that
jump.
"""

import csv
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from producers.ifcb.bins import finite
from producers.ifcb.names import BinName

_SYRINGE_ML_PER_S = 0.25 / 60
"""The instrument's standard setting."""

# First generation: times of opening the trigger and grabbing the frame, seconds from the start.
_OPEN, _GRAB = 7, 8
_BUSY_S = 0.073  # the shortest time that a frame costs
_BUSY_IFCB5_S, _IFCB5_SINCE = 0.05, datetime(2015, 6, 1, tzinfo=UTC)

# Second generation: run and inhibit time so far.
_RUN, _INHIBIT = 21, 22


def volume_analysed_ml(header: dict[str, str], adc: Path, name: BinName) -> float | None:
    """Millilitres that the camera could see; None where the files do not tell.

    Args:
        header: of the bin.
        adc: its targets, readable.
        name: of the bin.
    """
    with adc.open(encoding="ascii", newline="") as file:
        lines = [line for line in csv.reader(file) if line]
    try:
        look_s = _look_old_s(lines, name) if name.is_old else _look_s(lines, header)
    except (IndexError, ValueError):
        return None
    return _SYRINGE_ML_PER_S * look_s if look_s > 0 else None


def _look_s(lines: list[list[str]], header: dict[str, str]) -> float:
    """Run time less inhibit time: the header's, or the last line's."""
    run, inhibit = header.get("runtime"), header.get("inhibittime")
    if run is None or inhibit is None:
        run, inhibit = lines[-1][_RUN], lines[-1][_INHIBIT]
    return finite(run) - max(0.0, finite(inhibit))


def _look_old_s(lines: list[list[str]], name: BinName) -> float:
    """Time of the last frame less the time from each frame to the next open trigger."""
    first_of_trigger = {line[0]: line for line in reversed(lines)}
    triggers = sorted(first_of_trigger.values(), key=lambda line: finite(line[0]))
    times = [(_since_start(line[_OPEN]), _since_start(line[_GRAB])) for line in triggers]
    is_quick = name.instrument == "IFCB5" and name.started_at >= _IFCB5_SINCE
    busy_s = _BUSY_IFCB5_S if is_quick else _BUSY_S
    blind_s = sum(max(busy_s, then[0] - now[1]) for now, then in pairwise(times))
    return times[-1][1] - blind_s - busy_s


def _since_start(text: str) -> float:
    """Seconds; they turn negative when a run goes past midnight."""
    seconds = finite(text)
    return seconds + 24 * 60 * 60 if seconds < 0 else seconds

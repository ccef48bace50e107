"""Names of bins: when and by which instrument, in both generations' styles."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from plankton_stream.errors import RejectedError

_NEW = re.compile(r"D(\d{8}T\d{6})_IFCB(\d+)")  # D20130526T095207_IFCB013
_OLD = re.compile(r"IFCB(\d+)_(\d{4})_(\d{3})_(\d{6})")  # IFCB5_2012_028_081515: day of the year


@dataclass(frozen=True, slots=True)
class BinName:
    """What a bin's name says.

    Attributes:
        name: without folder and ending.
        started_at: when the sample's run began, UTC.
        instrument: e.g. `IFCB013`, as its files write it.
        is_old: of the first generation (instruments 1 to 6), whose `.adc` has other columns.
    """

    name: str
    started_at: datetime
    instrument: str
    is_old: bool


def read_name(name: str) -> BinName:
    """The parts of a bin's name.

    Raises:
        RejectedError: it is not a bin's, or no such day or hour exists.
    """
    found = _parts(name)
    if found is None:
        raise RejectedError("its name is not that of a bin, such as D20130526T095207_IFCB013")
    return found


def _parts(name: str) -> BinName | None:
    try:
        if match := _NEW.fullmatch(name):
            at = datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
            return BinName(name, at, f"IFCB{match[2]}", is_old=False)
        if match := _OLD.fullmatch(name):
            day = datetime.strptime(f"{match[2]} {match[4]}", "%Y %H%M%S").replace(tzinfo=UTC)
            at = day + timedelta(days=int(match[3]) - 1)
            if at.year != day.year:
                return None
            return BinName(name, at, f"IFCB{match[1]}", is_old=True)
    except ValueError:
        return None
    return None

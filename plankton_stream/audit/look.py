"""One audit, from its first look to its findings."""

from plankton_stream.audit.arrivals import Arrivals
from plankton_stream.audit.findings import Findings
from plankton_stream.audit.holdings import Holdings
from plankton_stream.audit.parts import Parts
from plankton_stream.audit.snapshot import take


def audit(parts: Parts) -> Findings:
    """Look for every frame and everything that became of it; changes nothing.

    On a running system what has not been worked on yet is waiting, not missing.

    Raises:
        RetryableError: a part does not answer.
    """
    findings = Findings()
    snapshot = take(parts.log)
    deleted = parts.catalog.deletions.deleted()
    arrivals = Arrivals(parts, snapshot, deleted, findings)
    arrivals.walk()
    Holdings(parts, snapshot, arrivals, deleted, findings).walk()
    return findings

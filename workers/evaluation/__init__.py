"""How well an encoder finds images of the same class: figures, curves, search methods, a report.

    plankton evaluate FOLDER --report DIR

The functions below are what training and experiments ask; `workers.evaluation.study` is all of the
command.
"""

from workers.evaluation.disturbances import Disturbance, blurred, turned
from workers.evaluation.retrieval import Judged, Retrieval, evaluate, evaluate_within, judge

__all__ = [
    "Disturbance",
    "Judged",
    "Retrieval",
    "blurred",
    "evaluate",
    "evaluate_within",
    "judge",
    "turned",
]

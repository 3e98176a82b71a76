"""The breadth-first engine: every field of an operation is answered once for all the objects of a level."""

from .budget import Budget
from .contract import AnswerTooLarge, BatchField, DeadlineExceeded, ErrorsOmitted
from .counted import CountingExecutor
from .executor import HANDED_OVER, BreadthFirstExecutor

__all__ = [
    "HANDED_OVER",
    "AnswerTooLarge",
    "BatchField",
    "BreadthFirstExecutor",
    "Budget",
    "CountingExecutor",
    "DeadlineExceeded",
    "ErrorsOmitted",
]

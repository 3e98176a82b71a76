"""The breadth-first engine: every field of an operation is answered once for all the objects of a level."""

from gateway.execution.budget import Budget, CountingExecutor
from gateway.execution.contract import AnswerTooLarge, BatchField, DeadlineExceeded, ErrorsOmitted
from gateway.execution.executor import HANDED_OVER, BreadthFirstExecutor

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

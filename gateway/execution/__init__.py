"""The breadth-first engine: every field of an operation is answered once for all the objects of a level."""

from gateway.execution.budget import Budget, CountingExecutor
from gateway.execution.contract import (
    PATH_COUNT,
    PATH_PATTERN,
    AnswerTooLarge,
    BatchField,
    DeadlineExceeded,
    ErrorsOmitted,
)
from gateway.execution.executor import HANDED_OVER, BreadthFirstExecutor
from gateway.execution.kept_exceptions import kept, raised_at

__all__ = [
    "HANDED_OVER",
    "PATH_COUNT",
    "PATH_PATTERN",
    "AnswerTooLarge",
    "BatchField",
    "BreadthFirstExecutor",
    "Budget",
    "CountingExecutor",
    "DeadlineExceeded",
    "ErrorsOmitted",
    "kept",
    "raised_at",
]

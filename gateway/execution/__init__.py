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
from gateway.execution.executor import HANDED_OVER, BreadthFirstExecutor, prepare
from gateway.execution.kept_exceptions import kept, raised_at
from gateway.execution.levels import LEVELS

__all__ = [
    "HANDED_OVER",
    "LEVELS",
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
    "prepare",
    "raised_at",
]

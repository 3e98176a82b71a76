"""The breadth-first engine: every field of an operation is answered once for all the objects of a level."""

from .contract import BatchField, DeadlineExceeded
from .executor import HANDED_OVER, BreadthFirstExecutor

__all__ = ["HANDED_OVER", "BatchField", "BreadthFirstExecutor", "DeadlineExceeded"]

"""graphql-core's executor, with the objects of its answer counted."""

from typing import Any

from gateway.execution.budget import Budget
from gateway.execution.library_internals import IncrementalExecutor


class CountingExecutor(IncrementalExecutor):
    """Executes as graphql-core does; counts each object, and fails all that follow when there are too many.

    Whoever executes then finds `budget.exceeded` and gives nothing of the answer.
    """

    budget = Budget()

    def complete_object_value(self, *arguments: Any, **named: Any) -> Any:
        """Complete an object, if there may be one more.

        Raises:
            AnswerTooLarge: There may not.
        """
        self.budget.objects += 1
        self.budget.check_objects()
        return super().complete_object_value(*arguments, **named)

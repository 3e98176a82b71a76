"""Answering a declared field: its guard first, then its function with the parents that are allowed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.wanted import Wanted
from resolvers.context import RequestContext
from schema.graph.guards import Guard


@dataclass(slots=True)
class Answering:
    """Answers one field of the schema for any number of parents: guard first, then the function with those allowed."""

    bound: Guard
    answer_all: Callable[..., Any]
    waits: bool
    convert: Callable[[dict[str, Any]], dict[str, Any]] | None = field(default=None)
    wants: Mapping[str, type] = field(default_factory=dict)
    path: str | None = None
    each: Callable[[Any, Any], Any] | None = None

    def answer(
        self,
        context: RequestContext,
        parents: Sequence[Any],
        arguments: dict[str, Any],
        wanted: Mapping[str, Wanted[Any]] | None = None,
    ) -> Any:
        """Return the answers, or an awaitable of them, parallel to `parents`; `arguments` as graphql-core has them.

        `wanted` is what the operation shows of the records that `wants` names; without it, the function reads whole
        records.
        """
        if arguments and self.convert:
            arguments = self.convert(arguments)
        if wanted:
            arguments = {**arguments, **wanted}
        return self.answer_converted(context, parents, arguments)

    def answer_converted(self, context: RequestContext, parents: Sequence[Any], values: dict[str, Any]) -> Any:
        """Return the answers, or an awaitable of them, parallel to `parents`; a refusal stands at a refused index."""
        refusals = self.bound.refusals(context, parents)
        if refusals is None:
            return self.answer_all(context, parents, **values)
        return self._partly_answered(context, parents, values, refusals)

    def _partly_answered(
        self,
        context: RequestContext,
        parents: Sequence[Any],
        values: dict[str, Any],
        refusals: Sequence[Exception | None],
    ) -> Any:
        allowed = [parent for parent, refusal in zip(parents, refusals, strict=True) if refusal is None]
        if not allowed:
            return refusals
        if self.waits:
            return self._merged_later(context, allowed, values, refusals)
        return _merged(self.answer_all(context, allowed, **values), refusals)

    async def _merged_later(
        self,
        context: RequestContext,
        allowed: Sequence[Any],
        values: dict[str, Any],
        refusals: Sequence[Exception | None],
    ) -> list[Any]:
        # Called here and not before: when this is never begun, nothing is left that nobody awaits.
        return _merged(await self.answer_all(context, allowed, **values), refusals)


def cut(answers: Sequence[Any], most: int) -> Sequence[Any]:
    """Return answers of which no list is longer than this."""
    if all(type(answer) not in (list, tuple) or len(answer) <= most for answer in answers):
        return answers
    return [answer[:most] if isinstance(answer, (list, tuple)) else answer for answer in answers]


def _merged(answers: Sequence[Any], refusals: Sequence[Exception | None]) -> list[Any]:
    rest = iter(answers)
    return [next(rest) if refusal is None else refusal for refusal in refusals]

"""Equal queries under several aliases: a batch field is asked once for the same objects with the same arguments."""

from asyncio import Future, get_running_loop, shield
from collections.abc import Awaitable
from typing import Any, TypeAlias

from graphql import FieldNode, print_ast

from gateway.execution.contract import BatchField
from gateway.execution.run import Run, SharedAnswer

SharingKey: TypeAlias = tuple[Any, ...]
"""What two fields have in common that ask the same of the same objects."""


def sharing_key_of(batch: BatchField, node: FieldNode) -> SharingKey | None:
    """Return what a field asks, variables by their names; None when it is answered at once, which is not worth it."""
    if not getattr(batch, "waits", True):
        return None
    return (id(batch), *sorted(map(print_ast, node.arguments or ())))


def shared_answer(run: Run, sharing_key: SharingKey, batch: BatchField, parents: list[Any], *asked: Any) -> Any:
    """Return what the batch field answers for these parents, or an awaitable of it; asked only for the first time."""
    key = (sharing_key, *map(id, parents))
    known = run.answers.get(key)
    if known is not None:
        return _awaited(known.coming)
    answer = batch.answer(run.context, parents, *asked)
    if not run.is_late(answer):
        return answer
    coming: Future[tuple[Any, Exception | None]] = get_running_loop().create_future()
    run.answers[key] = SharedAnswer(parents, coming)
    return _passed_on(answer, coming)  # type: ignore[arg-type]  # it is awaitable, since it is late


async def _passed_on(answer: Awaitable[Any], coming: "Future[tuple[Any, Exception | None]]") -> Any:
    try:
        values = await answer
    except Exception as error:
        coming.set_result((None, error))
        raise
    except BaseException:
        coming.cancel()
        raise
    coming.set_result((values, None))
    return values


async def _awaited(coming: "Future[tuple[Any, Exception | None]]") -> Any:
    values, error = await shield(coming)  # whoever gives up waiting takes the answer from nobody else
    if error is not None:
        raise error
    return list(values) if type(values) is list else values

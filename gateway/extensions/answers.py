"""How a field that is declared in TOML is answered: one call for all parents, its rows read into records."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import NotMapped, UnexpectedAnswer
from gateway.extensions.row_readers import ReadRows, WrongShape
from resolvers.context import RequestContext
from resolvers.refusals import InvalidArgument
from resolvers.texts import Text
from schema.extending import Batch, DeclaredBackend, Row, Rows

log = logging.getLogger("forecourt.backends")


@dataclass(frozen=True, slots=True)
class Limit:
    """The argument that says how many rows there are of each key, and as what the back end learns it, if it does."""

    argument: str
    sent_as: str | None
    default: int
    at_most: int


@dataclass(frozen=True, slots=True)
class BackendAnswers:
    """What one field asks, and how it reads the answer.

    `key_of` reads by what an object is known there, or whose external id for the back end `external` that is. A list of
    records, or one of them, is read by `read_rows`; a single value of the first row by `read_value`.
    """

    backend: DeclaredBackend
    path: str
    batch: Batch | None
    key_of: Callable[[Any], Any] | None
    external: str | None
    organization_of: Callable[[Any], str | None] | None
    rows: str | None
    belongs: str | None
    read_rows: ReadRows | None
    read_value: Callable[[Row], Any] | None
    is_list: bool
    limit: Limit | None
    at_most: int
    params: Mapping[str, str]
    headers: Mapping[str, str]

    async def of_all(self, context: RequestContext, parents: Sequence[Any], **values: Any) -> list[Any]:
        """Return the answers for all parents."""
        assert self.batch is not None
        assert self.key_of is not None
        most = self._most(values)
        own = list(map(self.key_of, parents))
        keys = [str(key) if key is not None else None for key in await self._known_as(context, own)]
        organizations = list(map(self.organization_of, parents)) if self.organization_of else [None] * len(parents)
        found = await self.backend.rows_of(
            context,
            self.path,
            self.batch,
            keys,
            belongs=self.belongs,
            rows=self.rows,
            params=self._sent(most),
            headers=self._filled(context),
            organizations=organizations,
        )
        answers = [self._answer(rows, whose, most) for rows, whose in zip(found, organizations, strict=True)]
        if self.external is None:
            return answers
        return [
            NotMapped(self.external, owner) if key is None and owner is not None else answer
            for key, owner, answer in zip(keys, own, answers, strict=True)
        ]

    async def _known_as(self, context: RequestContext, own: Sequence[Any]) -> Sequence[Any]:
        """Return by what each object is known to the back end."""
        if self.external is None:
            return own
        ids = context.backends.external_ids
        assert ids is not None  # the wiring opens them with the back ends of extensions
        if any(str(owner).startswith("usr_") for owner in own):
            return await ids.of_people(self.external, own)
        return await ids.of_organizations(self.external, own)

    async def alone(self, context: RequestContext, **values: Any) -> Any:
        """Return the answer of a field without a parent."""
        most = self._most(values)
        answer = await self.backend.get(context, self.path, self._sent(most), headers=self._filled(context))
        if self.is_list or self.rows is not None:
            answer = self.backend.rows_in(answer, self.rows)
        else:
            answer = [] if answer is None else [answer]
        found = self._answer(answer, None, most)
        if isinstance(found, Exception):
            raise found
        return found

    def _most(self, values: Mapping[str, Any]) -> int:
        limit = self.limit
        if limit is None:
            return self.at_most
        most: int = values.get(limit.argument, limit.default)
        if not 0 <= most <= limit.at_most:
            raise InvalidArgument(
                Text("`{argument}` must be between 0 and {most}.", argument=limit.argument, most=limit.at_most)
            )
        return most

    def _sent(self, most: int) -> Mapping[str, Any]:
        is_sent = self.limit is not None and self.limit.sent_as is not None
        return {**self.params, **({str(self.limit.sent_as): most} if is_sent and self.limit else {})}

    def _filled(self, context: RequestContext) -> Mapping[str, str]:
        if not self.headers:
            return {}
        words = {"{language}": context.reader.language, "{request_id}": context.request_id}
        filled = {}
        for name, value in self.headers.items():
            for word, said in words.items():
                value = value.replace(word, said)
            filled[name] = value
        return filled

    def _answer(self, rows: Rows, organization_id: str | None, most: int) -> Any:
        if rows is None or isinstance(rows, Exception):
            return rows
        try:
            if self.read_value is not None:
                return self.read_value(rows[0]) if rows else None
            assert self.read_rows is not None
            records, missing = self.read_rows(rows[:most] if self.is_list else rows[:1], organization_id)
        except WrongShape as wrong:
            return UnexpectedAnswer(self.backend.name, str(wrong))
        if missing:
            log.warning("rows without what is required", extra={"backend": self.backend.name, "rows": missing})
        if self.is_list:
            return records
        return records[0] if records else None

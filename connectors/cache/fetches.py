"""A batch fetch whose answers are kept by key."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from hashlib import blake2b
from typing import Any

import orjson

from connectors.cache.interface import LONGEST, CacheStore
from connectors.errors import ConnectorError
from connectors.http.current_request import current_request
from connectors.single_flight import SingleFlight

_JSON_ALONE = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
"""What would come back as something else than it was is refused."""

_REPORTED_EVERY = 60.0

log = logging.getLogger("forecourt.cache")


class Scope(StrEnum):
    """For whom an answer that somebody got is the same."""

    PUBLIC = "public"
    ORGANIZATION = "organization"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Caching:
    """For how many `seconds` an answer is taken for the present one, and for whom.

    For `stale_on_error` further seconds, it is shown where the back end fails.
    """

    seconds: float
    scope: Scope
    stale_on_error: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError for times that make no sense."""
        if self.seconds <= 0 or self.stale_on_error < 0 or self.seconds + self.stale_on_error > LONGEST:
            raise ValueError("an answer is kept for more than no time, and for at most a day, stale ones included")


@dataclass(slots=True)
class Counts:
    """How many keys were asked for since the start: kept ones, fetched ones, stale ones shown, and failed ones."""

    kept: int = 0
    fetched: int = 0
    stale: int = 0
    failed: int = 0


Fetch = Callable[..., Awaitable[Sequence[Any]]]


class CachedFetch:
    """Answers as `fetch` does, which takes a list of keys and perhaps further arguments, and returns JSON for each.

    Of the keys, only those are fetched, in one call, whose answers are not kept or under way already. What failed is
    never kept. Nobody changes what they are given: others are given the same.

    An answer has the tags BACKEND, BACKEND:KEY and, where it belongs to one, organization:ID; it no longer counts when
    one of them is emptied, even while it is being fetched. With the scope of a viewer, it counts until what that person
    may do changes, and what nobody in particular asks for is not kept. Whether somebody may see an answer at all is
    decided before they get here.
    """

    def __init__(
        self,
        backend: str,
        name: str,
        fetch: Fetch,
        caching: Caching,
        store: CacheStore,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`name` distinguishes the fetches of one back end, such as its path."""
        self.counts = Counts()
        self._backend = backend
        self._name = name
        self._fetch = fetch
        self._caching = caching
        self._store = store
        self._clock = clock
        self._flights = SingleFlight[Mapping[str, Any]]()
        self._under_way: dict[str, _Batch] = {}
        self._reported = clock()

    async def __call__(
        self, keys: Sequence[str], *arguments: Any, organizations: Sequence[str] | None = None
    ) -> list[Any]:
        """Return each key's answer; where some could be had and others not, an exception instead of these.

        `organizations` says, parallel to `keys`, to whom each belongs; the scope of an organization needs it.

        Raises:
            ConnectorError: None of the answers can be had; as `fetch` raises it.
        """
        owners = self._owners(keys, organizations)
        if owners is None:
            return list(await self._fetch(keys, *arguments))
        asked = [self._asked(key, owner, arguments) for key, owner in zip(keys, owners, strict=True)]
        unique = list({one.name: one for one in asked}.values())
        tags = list(dict.fromkeys(tag for one in unique for tag in one.tags))
        entries, numbers = await self._store.read([one.name for one in unique], tags)
        number_of = dict(zip(tags, numbers, strict=True))

        answers: dict[str, Any] = {}
        stale: dict[str, tuple[float, Any]] = {}
        missing: list[_Asked] = []
        for one, entry in zip(unique, entries, strict=True):
            kept = self._read(entry, [number_of[tag] for tag in one.tags])
            if kept is not None and kept[0] < self._caching.seconds:
                answers[one.name] = kept[1]
                continue
            missing.append(one)
            if kept is not None:
                stale[one.name] = kept
        self.counts.kept += len(answers)
        if missing:
            answers.update(await self._answers(missing, arguments, number_of))
            self._cover(answers, stale)
        self._report()
        found = [answers[one.name] for one in asked]
        if found and all(isinstance(answer, Exception) for answer in found):
            raise found[0]
        return found

    async def forget(self, keys: Sequence[str]) -> None:
        """Let nothing count any more that was kept for these keys, by any fetch of this back end."""
        await self._store.empty([f"{self._backend}:{key}" for key in keys])

    def _report(self) -> None:
        """Say in the log, once a minute while it is used, how much of what was asked for was kept."""
        now = self._clock()
        if now >= self._reported + _REPORTED_EVERY:
            self._reported = now
            log.info("answers kept", extra={"backend": self._backend, "fetch": self._name, **asdict(self.counts)})

    def _owners(self, keys: Sequence[str], organizations: Sequence[str] | None) -> list[tuple[str, ...]] | None:
        """Return for whom each answer is kept; None where it is not."""
        match self._caching.scope:
            case Scope.PUBLIC:
                return [()] * len(keys)
            case Scope.ORGANIZATION:
                if organizations is None:
                    raise ValueError(f"{self._name} is kept for organizations, and nobody says whose the keys are")
                return [("organization", id) for id in organizations]
            case Scope.VIEWER:
                request = current_request()
                if request is None or not request.is_of_one_person:
                    return None
                owner = ("viewer", *request.caller)
                of = organizations or [""] * len(keys)
                return [(*owner, id) for id in of]

    def _asked(self, key: str, owner: tuple[str, ...], arguments: Sequence[Any]) -> "_Asked":
        text = orjson.dumps([self._backend, self._name, owner, key, arguments])
        tags = [self._backend, f"{self._backend}:{key}"]
        if owner and owner[-1]:
            tags.append(f"organization:{owner[-1]}")
        return _Asked(key, blake2b(text, digest_size=20).hexdigest(), tuple(tags))

    def _read(self, entry: bytes | None, numbers: list[int]) -> tuple[float, Any] | None:
        """Return the age of an entry and its answer, unless one of its tags was emptied since."""
        if entry is None:
            return None
        since, kept_numbers, answer = orjson.loads(entry)
        age = self._clock() - since
        if kept_numbers != numbers or age >= self._caching.seconds + self._caching.stale_on_error:
            return None
        return age, answer

    async def _answers(
        self, missing: Sequence["_Asked"], arguments: Sequence[Any], number_of: Mapping[str, int]
    ) -> dict[str, Any]:
        """Fetch what nobody fetches yet, and wait for the rest; of what failed, the answer is the exception."""
        joined = {one.name: self._joined(one, number_of) for one in missing}
        own = [one for one in missing if joined[one.name] is None]
        batches = {id(batch): batch for batch in joined.values() if batch is not None}
        if own:
            batch = _Batch(own, arguments, number_of)
            batches[id(batch)] = batch
            self._under_way.update((one.name, batch) for one in own)
        waited = [self._flights.answer(id(batch), partial(self._fetched, batch)) for batch in batches.values()]
        outcomes = [await _outcome(waited[0])] if len(waited) == 1 else await asyncio.gather(*map(_outcome, waited))
        answers: dict[str, Any] = {}
        for batch, outcome in zip(batches.values(), outcomes, strict=True):
            for one in batch.asked:
                answers[one.name] = outcome if isinstance(outcome, ConnectorError) else outcome[one.name]
        return {one.name: answers[one.name] for one in missing}

    def _joined(self, asked: "_Asked", number_of: Mapping[str, int]) -> "_Batch | None":
        """Return the batch under way that fetches this, unless it began before one of its tags was emptied."""
        batch = self._under_way.get(asked.name)
        if batch is None or any(batch.number_of[tag] != number_of[tag] for tag in asked.tags):
            return None
        return batch

    async def _fetched(self, batch: "_Batch") -> Mapping[str, Any]:
        try:
            since = self._clock()
            keys = list(dict.fromkeys(one.key for one in batch.asked))
            fetched = dict(zip(keys, await self._fetch(keys, *batch.arguments), strict=True))
            self.counts.fetched += len(batch.asked)
            answers = {one.name: fetched[one.key] for one in batch.asked}
            entries = {
                one.name: orjson.dumps([since, [batch.number_of[tag] for tag in one.tags], answer], option=_JSON_ALONE)
                for one in batch.asked
                if not isinstance(answer := answers[one.name], Exception)
            }
            await self._store.write(entries, self._caching.seconds + self._caching.stale_on_error)
            return answers
        finally:
            for one in batch.asked:
                if self._under_way.get(one.name) is batch:
                    del self._under_way[one.name]

    def _cover(self, answers: dict[str, Any], stale: Mapping[str, tuple[float, Any]]) -> None:
        """Let what is stale stand for what failed, and say so."""
        failed = [name for name, answer in answers.items() if isinstance(answer, ConnectorError)]
        covered = [name for name in failed if name in stale]
        self.counts.stale += len(covered)
        self.counts.failed += len(failed) - len(covered)
        if covered:
            reason, age = str(answers[covered[0]]), max(stale[name][0] for name in covered)
            answers.update((name, stale[name][1]) for name in covered)
            request = current_request()
            if request is not None:
                request.note_stale(self._backend, age)
            log.warning("stale answers shown", extra={"backend": self._backend, "seconds": age, "reason": reason})


@dataclass(frozen=True, slots=True)
class _Asked:
    key: str
    name: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    asked: Sequence[_Asked]
    arguments: Sequence[Any]
    number_of: Mapping[str, int]


async def _outcome(answer: Awaitable[Mapping[str, Any]]) -> Any:
    try:
        return await answer
    except ConnectorError as error:
        return error

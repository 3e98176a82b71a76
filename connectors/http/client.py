"""A back end that speaks HTTP and JSON, as its connector uses it."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from connectors.errors import (
    AccessRefused,
    BackendTimeout,
    BackendUnavailable,
    ConnectorError,
    Declined,
    OutcomeUnknown,
    UnexpectedAnswer,
)
from connectors.http.breaker import CLOSED, OPEN, Breaker, State
from connectors.http.current_request import current_request
from connectors.http.limits import USUAL, HttpLimits
from connectors.http.messages import CutOff, Incoming, NoAnswer, NotReached, Outgoing, TooLong, short
from connectors.http.retries import RetryBudget
from connectors.http.sign_in import NOBODY, SignIn, SignInRefused
from connectors.http.urls import parsed_url, target_of
from connectors.json_text import InvalidJson, read_json
from connectors.single_flight import SingleFlight

if TYPE_CHECKING:
    from connectors.http.wire import Wire

_REPEATED = (502, 503, 504)
_NOT_CARRIED_OUT = (501, 503)
"""What a server answers before it does anything (RFC 9110, 15.6); any other 5xx leaves open how far it came."""

log = logging.getLogger("forecourt.backends")


class HttpBackend:
    """One back end: its connections, how often it may be asked, and whether it is worth asking.

    Every call raises BackendUnavailable, BackendTimeout or UnexpectedAnswer and nothing else; a change, OutcomeUnknown
    as well, when it may have been carried out. What the back end wrote stands in their text, which is for the log.

    `clock` counts seconds as `time.monotonic` does, `wall_clock` as `time.time`, `pause` waits for some, and `between`
    chooses a number between two.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        sign_in: SignIn = NOBODY,
        limits: HttpLimits = USUAL,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        between: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Raise ValueError when the URL is none of a back end."""
        self.name = name
        self.limits = limits
        self.breaker = Breaker(limits, clock, self._changed)
        self._origin, path = parsed_url(url)
        self._base = path.rstrip("/")
        self.url = self._origin + self._base
        self._sign_in = sign_in
        self._clock = clock
        self._wall_clock = wall_clock
        self._pause = pause
        self._between = between
        self._retries = RetryBudget(limits, clock)
        self._slots = asyncio.Semaphore(limits.at_once)
        self._flights = SingleFlight[Any]()
        self._is_refused = False
        self._opened: Wire | None = None

    async def get(
        self,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        headers: Mapping[str, str] = {},
        for_everybody: bool = False,
    ) -> Any:
        """Return the JSON that stands at this path below the back end's URL; None for 404 and for nothing.

        It is asked again where that may help. Whoever asks the same at the same time shares one call with others only
        when the answer is `for_everybody`, else with themselves.
        """
        call = Outgoing("GET", target_of(self._base, path, params), {"Accept": "application/json", **headers})
        return await self._query(call, for_everybody)

    async def post(
        self,
        path: str,
        body: Any,
        *,
        repeatable: bool = False,
        headers: Mapping[str, str] = {},
        for_everybody: bool = False,
    ) -> Any:
        """Send JSON and return the JSON that is answered; None for nothing.

        A change is sent once. What is `repeatable` changes nothing, and is a query as those of `get` are.
        """
        sent = {"Accept": "application/json", "Content-Type": "application/json", **headers}
        call = Outgoing("POST", target_of(self._base, path, ()), sent, orjson.dumps(body))
        if repeatable:
            return await self._query(call, for_everybody)
        return await self._made(call, self._seconds_left(), is_query=False)

    async def healthy(self) -> bool:
        """Return whether the back end answers: as its last calls show, else as a small one does."""
        if self.breaker.last_succeeded:
            return True
        if self.breaker.state is OPEN:
            return False
        try:
            return (await self._asked()).status < 500
        except (NoAnswer, SignInRefused, TimeoutError):
            return False

    async def check(self) -> None:
        """Return when a small call is answered and we are let in, whatever the breaker says.

        Raises:
            BackendUnavailable, BackendTimeout, AccessRefused: As they say.
        """
        try:
            answer = await self._asked()
        except SignInRefused as problem:
            raise AccessRefused(self.name, str(problem)) from problem
        except NoAnswer as problem:
            raise BackendUnavailable(self.name, str(problem)) from problem
        except TimeoutError:
            raise BackendTimeout(self.name, f"no answer within {self.limits.timeout} s") from None
        detail = f"it answers {answer.status}: {short(answer.body)}"
        if answer.status in (401, 403):
            raise AccessRefused(self.name, detail)
        if answer.status >= 500 or 300 <= answer.status < 400:
            raise BackendUnavailable(self.name, detail)

    async def _asked(self) -> Incoming:
        """Return what is answered to a call that nearly any back end answers somehow."""
        async with asyncio.timeout(self.limits.timeout):
            call = Outgoing("GET", self._base or "/", {"Accept": "application/json"})
            return await self._wire.exchange(await self._signed(call))

    async def close(self) -> None:
        """End the calls that are under way, and close the connections."""
        await self._flights.close()
        await self._sign_in.close()
        if self._opened is not None:
            await self._opened.close()

    async def _query(self, call: Outgoing, for_everybody: bool) -> Any:
        seconds, request = self._seconds_left(), current_request()
        made = partial(self._made, call, seconds, is_query=True)
        # A call with less time than others have is not for them; without a request, nobody knows for whom it is.
        if seconds < self.limits.timeout or (request is None and not for_everybody):
            return await made()
        asked_by = None if for_everybody or request is None else request.caller
        return await self._flights.answer(
            (call.method, call.target, call.body, tuple(call.headers.items()), asked_by), made
        )

    def _seconds_left(self) -> float:
        request = current_request()
        if request is None or request.deadline is None:
            return self.limits.timeout
        left = request.deadline - self._clock() - self.limits.reserve
        if left <= 0:
            raise BackendTimeout(self.name, "the request has no time left for it")
        return min(left, self.limits.timeout)

    async def _made(self, call: Outgoing, seconds: float, *, is_query: bool) -> Any:
        self._retries.called()
        made = _Call(call, is_query)
        try:
            async with asyncio.timeout(seconds) as time_limit:
                while True:
                    try:
                        return await self._attempted(made, time_limit)
                    except _MayPass as error:
                        if not is_query or not await self._paused(made, error, time_limit):
                            raise error.problem from error.__cause__
        except TimeoutError:
            detail = f"no answer to {call.method} within {seconds:.3f} s"
            if made.is_sent and not is_query:
                raise OutcomeUnknown(self.name, detail) from None
            raise BackendTimeout(self.name, detail) from None

    async def _paused(self, made: "_Call", error: "_MayPass", time_limit: asyncio.Timeout) -> bool:
        """Wait before a query is asked again; return False when it is not."""
        limits = self.limits
        seconds = max(self._between(limits.shortest_pause, limits.longest_pause), error.retry_after or 0.0)
        ends = time_limit.when()
        assert ends is not None
        if made.attempts >= limits.attempts or asyncio.get_running_loop().time() + seconds >= ends:
            return False
        if not self.breaker.admits or not self._retries.take():
            return False
        log.info("call repeated", extra={"backend": self.name, "reason": str(error.problem)})
        await self._pause(seconds)
        return True

    async def _attempted(self, made: "_Call", time_limit: asyncio.Timeout) -> Any:
        wire = self._wire
        if not self.breaker.admits:
            raise self._resting()
        await self._take_slot()
        try:
            attempt = self.breaker.begin()
            if attempt is None:
                raise self._resting()
            made.attempts += 1
            loop = asyncio.get_running_loop()
            began = loop.time()
            try:
                answer = await self._answer(wire, made)
            except asyncio.CancelledError:
                # Whose request had hardly any time left learns nothing of the back end.
                if time_limit.expired() and loop.time() - began >= self.limits.timeout / 2:
                    attempt.failed()
                raise
            except (NoAnswer, SignInRefused) as problem:
                if not isinstance(problem, TooLong):  # that is a matter of what was asked
                    attempt.failed()
                raise self._problem(made, problem) from problem
            else:
                if answer.status >= 500 or (answer.status == 429 and answer.retry_after is None):
                    attempt.failed()
                else:
                    attempt.succeeded()
            finally:
                attempt.over()
        finally:
            self._slots.release()
        return self._judged(made, answer)

    async def _take_slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(self.limits.longest_queue):
                await self._slots.acquire()
        except TimeoutError:
            raise BackendUnavailable(
                self.name, f"{self.limits.at_once} calls are under way, and none ended in time for another"
            ) from None

    async def _answer(self, wire: "Wire", made: "_Call") -> Incoming:
        signed = await self._signed(made.call)
        made.is_sent = True
        answer = await wire.exchange(signed)
        if answer.status == 401 and self._sign_in.refused(signed.headers):
            made.is_sent = False
            signed = await self._signed(made.call)
            made.is_sent = True
            answer = await wire.exchange(signed)
        return answer

    async def _signed(self, call: Outgoing) -> Outgoing:
        """Return the call with what proves who we are, and with what links it to its request."""
        headers = {**call.headers, **await self._sign_in.headers(call)}
        request = current_request()
        if request is not None:
            headers["X-Request-Id"] = request.request_id
            if request.traceparent is not None:
                headers["traceparent"] = request.traceparent
        return Outgoing(call.method, call.target, headers, call.body)

    def _problem(self, made: "_Call", problem: Exception) -> Exception:
        """Return what is raised when there is no answer that could be judged."""
        if isinstance(problem, SignInRefused):
            self._report_refused(str(problem))
            return AccessRefused(self.name, f"our sign-in was refused: {problem}")
        if made.is_sent and not made.is_query and not isinstance(problem, NotReached):
            return OutcomeUnknown(self.name, str(problem))
        if isinstance(problem, NotReached) and not problem.may_pass:
            return BackendUnavailable(self.name, str(problem))
        if isinstance(problem, NotReached | CutOff):
            return _MayPass(BackendUnavailable(self.name, str(problem)))
        return UnexpectedAnswer(self.name, str(problem))

    def _judged(self, made: "_Call", answer: Incoming) -> Any:
        """Return what an answer says; raise what an error of the back end is for us."""
        status = answer.status
        if 200 <= status < 300:
            self._is_refused = False
            return self._read(made, answer)
        detail = f"{made.call.method} is answered by {status}: {short(answer.body)}"
        if status == 404 and made.is_query:
            return None
        if status in (401, 403):
            self._report_refused(detail)
            raise AccessRefused(self.name, f"our sign-in was refused: {detail}")
        if status == 429:
            if answer.retry_after is not None:
                self.breaker.rest(answer.retry_after)
            raise BackendUnavailable(self.name, detail)
        if status >= 500:
            if not made.is_query and status not in _NOT_CARRIED_OUT:
                raise OutcomeUnknown(self.name, detail)
            unavailable = BackendUnavailable(self.name, detail)
            raise _MayPass(unavailable, answer.retry_after) if status in _REPEATED else unavailable
        if status < 400:
            raise UnexpectedAnswer(self.name, f"{detail} (redirects are not followed)")
        try:
            said = read_json(answer.body, max_depth=self.limits.max_depth, max_values=self.limits.max_values)
        except InvalidJson:
            said = None
        raise Declined(self.name, detail, status, said)

    def _read(self, made: "_Call", answer: Incoming) -> Any:
        if not answer.body:
            return None
        try:
            return read_json(answer.body, max_depth=self.limits.max_depth, max_values=self.limits.max_values)
        except InvalidJson as problem:
            detail = f"the answer ({answer.media_type}) is no JSON that we read: {problem}; {short(answer.body)}"
        if made.is_query:
            raise UnexpectedAnswer(self.name, detail)
        raise OutcomeUnknown(self.name, detail)

    def _resting(self) -> BackendUnavailable:
        return BackendUnavailable(self.name, f"not asked for another {self.breaker.seconds_open:.1f} s, for it fails")

    def _report_refused(self, reason: str) -> None:
        """Say once, until it is accepted again, what only whoever runs the gateway can put right."""
        if not self._is_refused:
            log.error("sign-in refused by a back end", extra={"backend": self.name, "reason": reason})
        self._is_refused = True

    def _changed(self, state: State) -> None:
        if state is OPEN:
            log.warning("back end given a rest", extra={"backend": self.name, "seconds": self.breaker.seconds_open})
        elif state is CLOSED:
            log.info("back end answers again", extra={"backend": self.name})

    @property
    def _wire(self) -> "Wire":
        if self._opened is None:
            from connectors.http.wire import Wire  # takes aiohttp along, and a loop that runs

            self._opened = Wire(self._origin, self.limits, self._wall_clock)
        return self._opened


class _Call:
    """A call on its way: what came of it so far."""

    __slots__ = ("attempts", "call", "is_query", "is_sent")

    def __init__(self, call: Outgoing, is_query: bool) -> None:
        self.call = call
        self.is_query = is_query
        self.attempts = 0
        self.is_sent = False


class _MayPass(Exception):
    """A problem that may be over in a moment; `problem` is what it is for the caller if not."""

    def __init__(self, problem: ConnectorError, retry_after: float | None = None) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.retry_after = retry_after

"""What a line of the table says of a mutation."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.portal import Portal
from tests.schemas import shared_core

_TOKEN = re.compile(r"[#?]token=([\w-]+)")

ANYBODY = ""
"""Nobody who is signed in."""


@dataclass(frozen=True)
class Row:
    """What one row of the audit log has to say: names in capitals stand for ids, see `Entry`.

    `actor` is a login name, None for the portal itself.
    """

    action: str
    subject: str
    actor: str | None
    organization: str | None = None
    before: Mapping[str, str | None] = field(default_factory=dict)
    after: Mapping[str, str | None] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True)
class Entry:
    """One successful call of a mutation, by whom, and the rows it puts on record, in any order.

    `prepare` brings the portal to where the call succeeds, and returns ids and tokens by names in capitals, which
    stand for them in `input`, `rows` and `secrets`. `answer` selects of the payload what has to be looked at; a name
    in `ids` gets the value at its dotted path of the payload. `secrets` are names of `prepare`, dotted paths of the
    payload, or texts, that may stand nowhere in the open; so may no token that waits to be mailed afterwards.

    With `is_delivered` the call only queues what is to be done, and the rows are those of the worker, who does it.
    """

    by: str
    input: Mapping[str, Any]
    rows: tuple[Row, ...]
    answer: str = "errors { code message path }"
    prepare: Callable[[Portal], Awaitable[Mapping[str, str]]] | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    is_delivered: bool = False
    profile: str = "solar_terminal"


async def user_id(portal: Portal, login_name: str) -> str:
    """The id of somebody."""
    id = await portal.wiring.backends.directory.user_id_of_login_name(login_name)
    assert id is not None, f"nobody is called {login_name}"
    return id


async def token_for(portal: Portal, to: str) -> str:
    """The token of the last mail to an address that has one."""
    return (await tokens_of_mails(portal, to))[-1]


async def tokens_of_mails(portal: Portal, to: str | None = None) -> list[str]:
    """The tokens of all mails, or of those to one address: those that have arrived, then those that wait."""
    arrived = [_TOKEN.search(mail.text) for mail in await portal.mails(to)]
    waiting = [mail.token for mail in await portal.queued_mails(to)]
    return [*(found[1] for found in arrived if found is not None), *(token for token in waiting if token is not None)]


async def payload(portal: Portal, login_name: str, mutation: str, input: Mapping[str, Any], answer: str) -> Any:
    """What a mutation answers to somebody; fails when it refuses."""
    person = await portal.person(login_name) if login_name else portal.anybody()
    answered = await person.asks(
        f"mutation Call($input: {_input_type(mutation)}) {{ {mutation}(input: $input) {{ {answer} }} }}",
        input=input,
    )
    assert answered.errors == [], (mutation, answered.errors)
    done = answered.at(mutation)
    assert done.get("errors", []) == [], (mutation, done)
    return done


@cache
def _input_type(mutation: str) -> str:
    mutations = shared_core().mutation_type
    assert mutations is not None
    if mutation not in mutations.fields:  # an extension's, which is not in the schema that the tests share
        return f"{mutation[0].upper()}{mutation[1:]}Input!"
    return str(mutations.fields[mutation].args["input"].type)

"""Each mutation puts on record who did what to what, before and after, and no secret (K13).

A mutation that is not in the table of `tests/every_mutation` fails here.
"""

import io
import json
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import LargeBinary, select

from connectors.directory import tables
from gateway.server.logging import configure_logs
from tests.every_mutation import ENTRIES, UNRECORDED
from tests.every_mutation.entry import Entry, Row, payload, tokens_of_mails, user_id
from tests.portal import Portal, open_portal
from tests.schemas import shared_core
from tests.servers import DatabaseKind

MUTATIONS = list(shared_core().mutation_type.fields)  # type: ignore[union-attr]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged during the test, as in production."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    configure_logs("json")
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    text = io.StringIO()
    handler.setStream(text)
    root.setLevel(logging.DEBUG)
    yield text
    root.handlers, root.level = handlers, level


def test_every_mutation_is_in_the_table_once_or_has_a_reason_not_to_be() -> None:
    assert sorted(set(MUTATIONS) - ENTRIES.keys() - UNRECORDED.keys()) == [], "add these to tests/every_mutation"
    assert sorted(ENTRIES.keys() | UNRECORDED.keys()) == sorted(MUTATIONS)
    assert not ENTRIES.keys() & UNRECORDED.keys()


@pytest.mark.parametrize("mutation", ENTRIES)
async def test_a_command_is_on_record_with_all_that_it_changed_and_no_secret(
    mutation: str, portal_kind: DatabaseKind, log: io.StringIO
) -> None:
    async with open_portal(ENTRIES[mutation].profile, kind=portal_kind) as portal:
        await check_record(portal, mutation, ENTRIES[mutation], log)


async def check_record(portal: Portal, mutation: str, entry: Entry, log: io.StringIO) -> None:
    """Call the mutation, and fail unless exactly the rows of its entry are on record, and no secret anywhere."""
    names = dict(await entry.prepare(portal)) if entry.prepare is not None else {}
    if entry.by:
        await portal.person(entry.by)  # whose session is on record before
    earlier = {row.id for row in await _rows(portal)}

    done = await _call(portal, mutation, entry, names)
    if entry.is_delivered:
        assert await portal.deliver() > 0

    names |= {name: _at(done, path) for name, path in entry.ids.items()}
    new = [row for row in await _rows(portal) if row.id not in earlier and not _is_of_a_test(row)]
    kept = await _kept_in_the_open(portal)
    tokens = await tokens_of_mails(portal)
    expected = [await _expected(portal, row, names) for row in entry.rows]
    wild = {row.action: row for row in entry.rows}
    found = [_reported(row, wild.get(row.action)) for row in new]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert len({row.request_id for row in new}) == 1, "rows of one request share its id"
    by_whom = r"worker-[0-9a-f]{8}" if entry.is_delivered else r"[0-9a-f]{16}"
    assert all(re.fullmatch(by_whom, row.request_id) for row in new)
    assert {row.ip_address for row in new} == {None if entry.is_delivered else "127.0.0.1"}
    assert {row.occurred_at for row in new} == {portal.clock.now}
    assert {row.refused_with for row in new} == {None}
    for secret in entry.secrets:
        text = _at(done, secret[1:]) if secret.startswith(".") else names.get(secret, secret)
        assert len(text) >= 8, f"{secret} is too short to be looked for"
        assert text not in kept, f"{secret} of {mutation} stands in the database"
        assert text not in log.getvalue(), f"{secret} of {mutation} stands in the log"
    assert not [token for token in tokens if token in kept or token in log.getvalue()], f"a mail's token of {mutation}"


async def test_what_is_looked_through_for_secrets_is_what_is_written(portal: Portal, log: io.StringIO) -> None:
    """Else the test above could not fail."""
    entry = ENTRIES["requestOrganizationChange"]
    assert entry.prepare is not None
    await _call(portal, "requestOrganizationChange", entry, dict(await entry.prepare(portal)))
    logging.getLogger("forecourt.test").info("said", extra={"word": "Losungswort"})

    kept = await _kept_in_the_open(portal)

    assert "change_request.open" in kept  # the audit log
    assert "organization_change_to_review" in kept  # the outbox
    assert '"chg_' in kept.replace("\\", "")  # the receipt of an idempotency key
    assert "Losungswort" in log.getvalue()


async def _call(portal: Portal, mutation: str, entry: Entry, names: Mapping[str, str]) -> Any:
    return await payload(portal, entry.by, mutation, _filled(entry.input, names), entry.answer)


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _filled(one, names) for key, one in value.items()}
        case list():
            return [_filled(one, names) for one in value]
        case str():
            return names.get(value, value)
    return value


def _at(value: Any, path: str) -> str:
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    assert isinstance(value, str)
    return value


async def _rows(portal: Portal) -> list[Any]:
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        return list(await connection.execute(select(tables.audit_events)))


def _is_of_a_test(row: Any) -> bool:
    """Whether the row was written by `portal.person`, which begins a session without a request."""
    return bool(row.request_id == "test")


async def _expected(portal: Portal, row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "action": row.action,
        "subject": names.get(row.subject, row.subject),
        "actor": await user_id(portal, row.actor) if row.actor is not None else None,
        "organization": names.get(row.organization, row.organization) if row.organization is not None else None,
        "before": _filled(dict(row.before), names),
        "after": _filled(dict(row.after), names),
        "reason": row.reason,
    }


def _reported(row: Any, wanted: Row | None) -> dict[str, Any]:
    """What a row says; where the table says ANY, that."""
    before, after = json.loads(row.before), json.loads(row.after)
    if wanted is not None:
        before, after = (
            {key: "ANY" if given.get(key) == "ANY" and value else value for key, value in values.items()}
            for values, given in ((before, wanted.before), (after, wanted.after))
        )
    return {
        "action": row.action,
        "subject": "ANY" if wanted is not None and wanted.subject == "ANY" and row.subject_id else row.subject_id,
        "actor": row.actor_id,
        "organization": row.organization_id,
        "before": before,
        "after": after,
        "reason": row.reason,
    }


async def _kept_in_the_open(portal: Portal) -> str:
    """All that the directory keeps, but what is sealed or hashed."""
    texts = []
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        for table in (tables.audit_events, tables.outbox, tables.idempotency_records):
            open_columns = [
                column for column in table.c if column.name != "sealed" and not isinstance(column.type, LargeBinary)
            ]
            texts += [str(tuple(row)) for row in await connection.execute(select(*open_columns))]
    return "\n".join(texts)

"""The address book of an organization."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.addresses import AddressRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.ids import AddressId, OrganizationId, new_id
from connectors.values import Address
from connectors.wanted import reads
from permissions.access_rules import USE_ADDRESS_BOOK
from resolvers.contact_data import address
from resolvers.context import RequestContext
from resolvers.refusals import Conflict, NotFound
from resolvers.texts import Text
from resolvers.transactions import MASKED, Once, acting_in, author, changed, changed_once, values_of

LONGEST_BOOK = 200

_AUDITED = ("address", "is_default_billing", "is_default_shipping")


@dataclass(frozen=True, slots=True)
class AddressEdit:
    """An entry as it is to be; a new one without `entry_id`. None as a default leaves it as it is, for a new one no."""

    organization_id: OrganizationId
    entry_id: AddressId | None
    address: Address
    default_billing: bool | None
    default_shipping: bool | None


@reads(OrganizationRecord, lambda organization: organization.id)
async def books_of(
    context: RequestContext, organizations: Sequence[OrganizationRecord]
) -> Sequence[Sequence[AddressRecord]]:
    """Return each organization's address book, oldest entry first."""
    return await context.backends.directory.addresses_of([organization.id for organization in organizations])


async def save_address(context: RequestContext, edit: AddressEdit, key: str | None) -> AddressRecord | None:
    """Store a new entry or change one, and return it; None when a repeated request finds it deleted meanwhile.

    An entry that becomes a default takes that from the one that was it.

    Raises:
        RefusedTogether: The address cannot be one.
        NotFound: The organization has no such entry.
        Conflict: The book is full.
    """
    cleaned = replace(edit, address=address(edit.address, ["address"]))

    async def command(change: DirectoryChange) -> Any:
        await acting_in(context, change, edit.organization_id, USE_ADDRESS_BOOK)
        (book,) = await change.ask.addresses_of([edit.organization_id])
        before = next((entry for entry in book if entry.id == edit.entry_id), None)
        if before is None and edit.entry_id is not None:
            raise NotFound("address", ["entry_id"])
        if before is None and len(book) >= LONGEST_BOOK:
            raise Conflict(
                Text("The address book is full: it holds at most {most} entries. Delete one first.", most=LONGEST_BOOK)
            )
        after = _as_wanted(context, cleaned, before)
        for other in book:
            if other.id != after.id:
                await _give_way(context, change, other, after)
        if before is None:
            await change.add_address(after)
            await _record(context, change, "address.add", None, after)
        elif before != after:
            await change.change_address(after)
            await _record(context, change, "address.change", before, after)
        return {"id": after.id}

    receipt = await changed_once(context, Once(key, "saveAddress", cleaned), command)
    (entry,) = await context.backends.directory.addresses([receipt["id"]])
    return entry


async def delete_address(context: RequestContext, id: AddressId) -> OrganizationId:
    """Take an entry out of its book, and return whose book it was.

    Raises:
        NotFound: There is no such entry (any more).
    """

    async def command(change: DirectoryChange) -> OrganizationId:
        (seen,) = await change.ask.addresses([id])
        if seen is None:
            raise NotFound("address", ["id"])
        await acting_in(context, change, seen.organization_id, USE_ADDRESS_BOOK)
        (entry,) = await change.ask.addresses([id])
        if entry is None:  # deleted while this one waited
            raise NotFound("address", ["id"])
        await change.remove_address(id)
        await _record(context, change, "address.remove", entry, None)
        return entry.organization_id

    return await changed(context, command)


def _as_wanted(context: RequestContext, edit: AddressEdit, before: AddressRecord | None) -> AddressRecord:
    if before is None:
        return AddressRecord(
            AddressId(new_id("adr")),
            edit.organization_id,
            edit.address,
            bool(edit.default_billing),
            bool(edit.default_shipping),
            context.now,
        )
    return replace(
        before,
        address=edit.address,
        is_default_billing=before.is_default_billing if edit.default_billing is None else edit.default_billing,
        is_default_shipping=before.is_default_shipping if edit.default_shipping is None else edit.default_shipping,
    )


async def _give_way(
    context: RequestContext, change: DirectoryChange, other: AddressRecord, wanted: AddressRecord
) -> None:
    """Take from another entry what the wanted one is the default for."""
    after = replace(
        other,
        is_default_billing=other.is_default_billing and not wanted.is_default_billing,
        is_default_shipping=other.is_default_shipping and not wanted.is_default_shipping,
    )
    if after != other:
        await change.change_address(after)
        await _record(context, change, "address.change", other, after)


async def _record(
    context: RequestContext,
    change: DirectoryChange,
    action: str,
    before: AddressRecord | None,
    after: AddressRecord | None,
) -> None:
    was = values_of(before, _AUDITED) if before is not None else {}
    now = values_of(after, _AUDITED) if after is not None else {}
    audited = [key for key in _AUDITED if was.get(key) != now.get(key)]
    entry = after or before
    assert entry is not None
    await change.record(
        author(context).entry(
            action,
            entry.id,
            entry.organization_id,
            before={key: _masked(key, was[key]) for key in audited if key in was},
            after={key: _masked(key, now[key]) for key in audited if key in now},
        ),
        context.now,
    )


def _masked(key: str, value: str | None) -> str | None:
    """Return the value as the log keeps it, from which nothing is ever erased: where somebody lives is not in it."""
    return MASKED if key == "address" else value

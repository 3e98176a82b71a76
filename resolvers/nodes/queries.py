"""Any object by its id, when the caller may see it; otherwise nothing, as for an id that does not exist."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from connectors.directory.approvals import CHANGE_REQUESTS
from connectors.directory.records.access import GrantRecord
from connectors.directory.records.accounts import ConsentRecord, DataExportRecord
from connectors.directory.records.addresses import AddressRecord
from connectors.directory.records.audit import AuditEventRecord
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.memberships import MembershipRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.directory.records.sessions import SessionRecord
from connectors.errors import ConnectorError
from connectors.ids import (
    AddressId,
    AnyId,
    AuditEventId,
    ConsentId,
    DataExportId,
    GrantId,
    MembershipId,
    OrderEventId,
    OrderId,
    OrganizationId,
    SessionId,
    UserId,
)
from connectors.shop.interface import OrderEventRecord, OrderRecord
from connectors.wanted import needs
from permissions.access_rules import (
    REVIEW_CHANGE_REQUESTS,
    SEE_AUDIT_LOG,
    SEE_CHANGE_REQUESTS,
    SEE_MEMBERSHIPS,
    SEE_ORDERS,
    USE_ADDRESS_BOOK,
)
from resolvers.access_requests.queries import visible_access_requests
from resolvers.context import RequestContext
from resolvers.invitations.queries import visible_invitations
from resolvers.join_requests.queries import visible_join_requests
from resolvers.launcher import TILE, tiles_with_ids
from resolvers.nodes.visible import (
    given_memberships,
    given_organizations,
    organizations_of_people,
    own_subjects,
)
from resolvers.organizations.queries import is_visible
from resolvers.people import seen
from resolvers.refusals import InvalidArgument
from resolvers.registrations.queries import visible_registrations
from resolvers.texts import Text

MOST_NODES = 100

B = TypeVar("B", OrderRecord, OrderEventRecord)
Own = TypeVar("Own", SessionRecord, ConsentRecord, DataExportRecord)


def viewer_id(user_id: str) -> str:
    """Return the id of somebody's Viewer, which is another object than their User."""
    return "vwr_" + user_id.removeprefix("usr_")


@needs(OrganizationRecord)
@needs(UserRecord)
async def node(context: RequestContext, *, id: AnyId) -> Any:
    """Return the object, None for an unknown one and for one that the caller may not see alike."""
    (found,) = await nodes(context, ids=[id])
    if isinstance(found, ConnectorError):
        raise found
    return found


@needs(OrganizationRecord)
@needs(UserRecord)
async def nodes(context: RequestContext, *, ids: Sequence[AnyId]) -> list[Any]:
    """Return the objects parallel to `ids`, in one call per kind of object.

    A back end that does not answer fails only the indexes of its own kinds of objects: its error stands there.

    Raises:
        InvalidArgument: More than 100 ids.
    """
    if len(ids) > MOST_NODES:
        raise InvalidArgument(
            Text("`ids` has {given} entries; ask for at most {most} at once.", given=len(ids), most=MOST_NODES)
        )
    return await found_nodes(context, ids)


async def found_nodes(context: RequestContext, ids: Sequence[AnyId]) -> list[Any]:
    """Return the objects parallel to `ids` as `nodes` does, however many they are."""
    kinds: dict[str, list[int]] = {}
    for index, identifier in enumerate(ids):
        kinds.setdefault(identifier.partition("_")[0], []).append(index)
    answer: list[Any] = [None] * len(ids)
    for kind, indexes in kinds.items():
        find = _FINDERS.get(kind)
        if find is None:
            continue
        try:
            found = await find(context, [ids[index] for index in indexes])
        except ConnectorError as error:
            found = [error] * len(indexes)
        for index, it in zip(indexes, found, strict=True):
            answer[index] = it
    return answer


async def _organizations(context: RequestContext, ids: Sequence[str]) -> Sequence[Any]:
    return await given_organizations(context, [OrganizationId(identifier) for identifier in ids])


async def _viewers(context: RequestContext, ids: Sequence[str]) -> Sequence[CallerRecord | None]:
    caller = context.caller
    return [caller if caller is not None and identifier == viewer_id(caller.user.id) else None for identifier in ids]


async def _users(context: RequestContext, ids: Sequence[str]) -> Sequence[UserRecord | ConnectorError | None]:
    given = await organizations_of_people(context, [UserId(identifier) for identifier in ids])
    errors = {id: at for id, at in given.items() if isinstance(at, ConnectorError)}
    met = [(id, at) for id, at in given.items() if not isinstance(at, ConnectorError)]
    found = dict(zip((id for id, _ in met), await seen(context, met), strict=True))
    return [errors.get(UserId(id)) or found.get(UserId(id)) for id in ids]


async def _memberships(context: RequestContext, ids: Sequence[str]) -> Sequence[MembershipRecord | None]:
    if context.viewer is None:
        return [None] * len(ids)
    member_ids = [MembershipId(identifier) for identifier in ids]
    return await given_memberships(context, member_ids, await context.backends.directory.memberships(member_ids))


async def _grants(context: RequestContext, ids: Sequence[str]) -> Sequence[GrantRecord | None]:
    if context.viewer is None:
        return [None] * len(ids)
    found = await context.backends.directory.grants([GrantId(identifier) for identifier in ids])
    await context.learn_of_found(found)
    return [_if_grant_given(context, record) for record in found]


async def _orders(context: RequestContext, ids: Sequence[str]) -> Sequence[OrderRecord | None]:
    if context.viewer is None:
        return [None] * len(ids)
    found = await context.backends.shop.orders([OrderId(identifier) for identifier in ids])
    await context.learn_of_found(found)
    return [_if_order_seen(context, record) for record in found]


async def _order_events(context: RequestContext, ids: Sequence[str]) -> Sequence[OrderEventRecord | None]:
    if context.viewer is None:
        return [None] * len(ids)
    found = await context.backends.shop.events([OrderEventId(identifier) for identifier in ids])
    await context.learn_of_found(found)
    return [_if_order_seen(context, record) for record in found]


async def _addresses(context: RequestContext, ids: Sequence[str]) -> Sequence[AddressRecord | None]:
    if context.viewer is None:
        return [None] * len(ids)
    found = await context.backends.directory.addresses([AddressId(identifier) for identifier in ids])
    await context.learn_of_found(found)
    return [one if one is not None and context.may(USE_ADDRESS_BOOK, one.organization_id) else None for one in found]


async def _change_requests(context: RequestContext, ids: Sequence[str]) -> Sequence[ChangeRequestRecord | None]:
    if context.viewer is None:
        return [None] * len(ids)
    found = await context.backends.directory.approvals(CHANGE_REQUESTS, ids)
    await context.learn_of_found(found)
    reviews = context.may(REVIEW_CHANGE_REQUESTS)
    return [
        one if one is not None and (reviews or context.may(SEE_CHANGE_REQUESTS, one.organization_id)) else None
        for one in found
    ]


async def _audit_events(context: RequestContext, ids: Sequence[str]) -> Sequence[AuditEventRecord | None]:
    if context.viewer is None:
        return [None] * len(ids)
    found = await context.backends.directory.audit_events([AuditEventId(identifier) for identifier in ids])
    await context.learn(None)  # an event may be about any of the caller's memberships
    return [one if one is not None and _is_event_seen(context, one) else None for one in found]


async def _sessions(context: RequestContext, ids: Sequence[str]) -> Sequence[SessionRecord | None]:
    if context.viewer is None:
        return [None] * len(ids)
    found = await context.backends.directory.sessions([SessionId(identifier) for identifier in ids], context.now)
    return [_if_own(context, record) for record in found]


async def _consents(context: RequestContext, ids: Sequence[str]) -> Sequence[ConsentRecord | None]:
    if context.viewer is None:
        return [None] * len(ids)
    found = await context.backends.directory.consents([ConsentId(identifier) for identifier in ids])
    return [_if_own(context, record) for record in found]


async def _data_exports(context: RequestContext, ids: Sequence[str]) -> Sequence[DataExportRecord | None]:
    if context.viewer is None:
        return [None] * len(ids)
    found = await context.backends.directory.data_exports([DataExportId(identifier) for identifier in ids])
    return [_if_own(context, record) for record in found]


async def _roles(context: RequestContext, ids: Sequence[str]) -> Sequence[Any]:
    return [context.policy.roles.get(identifier.removeprefix("role_")) for identifier in ids]


async def _applications(context: RequestContext, ids: Sequence[str]) -> Sequence[Any]:
    return await context.backends.applications.applications([identifier.removeprefix("app_") for identifier in ids])


async def _categories(context: RequestContext, ids: Sequence[str]) -> Sequence[Any]:
    known = {
        application.category.key: application.category
        for application in await context.backends.applications.catalogue()
    }
    return [known.get(identifier.removeprefix("cat_")) for identifier in ids]


def _if_grant_given(context: RequestContext, grant: GrantRecord | None) -> GrantRecord | None:
    if grant is None or context.viewer is None:
        return None
    if grant.user_id == context.viewer.user_id and is_visible(context, grant.organization_id):
        return grant
    return grant if context.may(SEE_MEMBERSHIPS, grant.organization_id) else None


def _is_event_seen(context: RequestContext, event: AuditEventRecord) -> bool:
    """Return whether the event stands in one of the lists that the caller may read: an organization's, their own."""
    index, caller = event.organization_id, context.caller
    if index is not None and context.may(SEE_AUDIT_LOG, index):
        return True
    if caller is None or context.view_as is not None or not (index is None or is_visible(context, index)):
        return False
    return event.actor_id == caller.user.id or event.subject_id in own_subjects(caller)


def _if_own(context: RequestContext, record: Own | None) -> Own | None:
    """Return what belongs to the caller alone, to nobody else and not to whoever looks as them."""
    if record is None or context.viewer is None or context.view_as is not None:
        return None
    return record if record.user_id == context.viewer.user_id else None


def _if_order_seen(context: RequestContext, record: B | None) -> B | None:
    if record is None:
        return None
    return record if context.may(SEE_ORDERS, record.organization_id) else None


_FINDERS: dict[str, Callable[[RequestContext, Sequence[str]], Awaitable[Sequence[Any]]]] = {
    "org": _organizations,
    "vwr": _viewers,
    "usr": _users,
    "mbr": _memberships,
    "grt": _grants,
    "arq": visible_access_requests,
    "inv": visible_invitations,
    "ord": _orders,
    "oev": _order_events,
    "adr": _addresses,
    "chg": _change_requests,
    "aud": _audit_events,
    "ses": _sessions,
    "cns": _consents,
    "exp": _data_exports,
    "reg": visible_registrations,
    "jrq": visible_join_requests,
    "role": _roles,
    "app": _applications,
    "cat": _categories,
    TILE: tiles_with_ids,
}

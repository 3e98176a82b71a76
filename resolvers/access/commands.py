"""Changing what members may do: of one, or of many together, and seeing beforehand what it would mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.directory.directory import DirectoryChange, DirectoryQueries
from connectors.directory.records.memberships import MembershipRecord
from connectors.ids import AccessRequestId, MembershipId, OrganizationId
from permissions.access_rules import ASSIGN_ROLES
from permissions.vocabulary import permissions_in
from resolvers import receipts
from resolvers.access import previews as access_previews
from resolvers.access.edits import AccessEdit, check_edit
from resolvers.access.mails import notify_of_change
from resolvers.access.plans import (
    AccessPlan,
    DecisionContext,
    Warned,
    administrators_after,
    decision_context_of,
    difference,
    loses_administration,
    plan_access,
    warnings_of,
)
from resolvers.access.previews import AccessPreview, preview_of
from resolvers.approvals.fulfilled import end_held_requests
from resolvers.approvals.initiators import end_what_they_may_not_begin
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.members.administrators import hand_on_login_name, last_administrator
from resolvers.members.rules import Subject, against_updating, refusal_for
from resolvers.refusals import Invalid, NotFound, Refused, RefusedTogether, Stale
from resolvers.texts import Text
from resolvers.transactions import Once, Receipt, acting_in, author, changed_once

MOST_CHANGES = 100


@dataclass(frozen=True, slots=True)
class AccessOutcome:
    """What came of one edit: the member as they are now and what it means, or why nothing was changed.

    `effective_from` is the instant from which it counts; None when nothing was stored.
    """

    membership: MembershipRecord | None
    preview: AccessPreview | None
    effective_from: datetime | None
    refusals: tuple[Refused, ...] = ()


async def preview_access(context: RequestContext, edit: AccessEdit) -> AccessOutcome:
    """Return what the edit would mean, decided as the change would be; writes nothing and sends nothing.

    Raises:
        RefusedTogether, Refused: As `update_member_access` does.
    """
    ask = context.backends.directory
    member = await _member(ask, edit)
    (organization,) = await ask.organizations([member.organization_id])
    if organization is None or context.viewer is None:
        raise NotFound("member", edit.at("membership_id"))
    decision_context = await decision_context_of(context, ask, organization, context.viewer, [member])
    (plan,) = _all_planned(await _planned(context, ask, decision_context, [edit], together=True))
    preview = await preview_of(context, decision_context, plan, warnings_of(context, decision_context, [plan]))
    return AccessOutcome(member, preview, None)


async def update_member_access(context: RequestContext, edit: AccessEdit, key: str | None) -> AccessOutcome:
    """Let a member hold what the edit says, in one transaction, from the next request on.

    An edit that changes nothing writes nothing: no version, no entry of the audit log, no mail.

    Raises:
        RefusedTogether: Values that are not allowed, roles and rights that may not be given or taken, rights that
            come from a role, each with its path.
        Stale: Somebody changed the membership since it was read.
        Conflict: The person is no member at present.
        LastAdministrator: Nobody would be left who administers the organization.
    """
    made = _Made()

    async def command(change: DirectoryChange) -> Receipt:
        seen = await _member(change.ask, edit)
        organization, viewer = await acting_in(context, change, seen.organization_id, ASSIGN_ROLES)
        decision_context = await decision_context_of(
            context, change.ask, organization, viewer, [await _member(change.ask, edit)]
        )
        plans = _all_planned(await _planned(context, change.ask, decision_context, [edit], together=True))
        return made.note(await _carried_out(context, change, decision_context, plans))

    receipt = await changed_once(context, Once(key, "updateMemberAccess", edit), command)
    (outcome,) = await _answered(context, made, receipt)
    return outcome


async def update_members_access(
    context: RequestContext,
    organization_id: OrganizationId,
    edits: Sequence[AccessEdit],
    *,
    all_or_nothing: bool,
    key: str | None,
) -> list[AccessOutcome]:
    """Let several members of an organization hold what the edits say, in one transaction.

    With `all_or_nothing`, one refusal refuses all, and the last administrator is asked after once all edits are
    taken together, so that an office may change hands. Without, each edit is made or refused separately, in order.
    What the caller may do is decided once, before the first.

    Raises:
        RefusedTogether: With `all_or_nothing`, everything that is refused, each with its path. Nothing is changed.
        Invalid: No edits, more than 100, or two of the same membership.
    """
    made = _Made()

    async def command(change: DirectoryChange) -> Receipt:
        _check_rows(edits)
        organization, viewer = await acting_in(context, change, organization_id, ASSIGN_ROLES)
        found = await change.ask.memberships([edit.membership_id for edit in edits])
        members = [one for one in found if one is not None and one.organization_id == organization_id]
        decision_context = await decision_context_of(context, change.ask, organization, viewer, members)
        planned = await _planned(context, change.ask, decision_context, edits, together=all_or_nothing)
        plans = _all_planned(planned) if all_or_nothing else [one for one in planned if isinstance(one, AccessPlan)]
        done = iter(await _carried_out(context, change, decision_context, plans))
        return made.note(
            [
                next(done) if isinstance(one, AccessPlan) else AccessOutcome(None, None, None, tuple(one))
                for one in planned
            ]
        )

    asked = [organization_id, list(edits), all_or_nothing]
    receipt = await changed_once(context, Once(key, "updateMembersAccess", asked), command)
    return await _answered(context, made, receipt)


def _check_rows(edits: Sequence[AccessEdit]) -> None:
    if not 1 <= len(edits) <= MOST_CHANGES:
        raise Invalid(
            Text("Send 1 to {most} changes at once; these are {given}.", most=MOST_CHANGES, given=len(edits)),
            ["changes"],
            f"length 1..{MOST_CHANGES}",
        )
    seen: set[MembershipId] = set()
    twice = []
    for edit in edits:
        if edit.membership_id in seen:
            twice.append(
                Invalid(
                    Text("This member appears twice; combine both changes into one."),
                    edit.at("membership_id"),
                    "each once",
                )
            )
        seen.add(edit.membership_id)
    if twice:
        raise RefusedTogether(list(twice))


async def _member(ask: DirectoryQueries, edit: AccessEdit) -> MembershipRecord:
    (member,) = await ask.memberships([edit.membership_id])
    if member is None:
        raise NotFound("member", edit.at("membership_id"))
    return member


async def _planned(
    context: RequestContext,
    ask: DirectoryQueries,
    decision_context: DecisionContext,
    edits: Sequence[AccessEdit],
    *,
    together: bool,
) -> list[AccessPlan | list[Refused]]:
    """Return for each edit its plan, or why it is refused; `together`, only all of them leave it to nobody."""
    planned: list[AccessPlan | list[Refused]] = []
    made: list[AccessPlan] = []
    for edit in edits:
        try:
            plan = _plan(context, decision_context, edit)
        except Refused as refusal:
            planned.append([refusal])
            continue
        except RefusedTogether as refused:
            planned.append(refused.refusals)
            continue
        if not together and _left_to_nobody(context, decision_context, [*made, plan]):
            planned.append([await _last(ask, decision_context, plan)])
            continue
        made.append(plan)
        planned.append(plan)
    if together and len(made) == len(edits) and _left_to_nobody(context, decision_context, made):
        return [
            [await _last(ask, decision_context, plan)] if loses_administration(context.policy, plan) else plan
            for plan in made
        ]
    return planned


def _plan(context: RequestContext, decision_context: DecisionContext, edit: AccessEdit) -> AccessPlan:
    check_edit(context, edit)
    member = decision_context.members.get(edit.membership_id)
    if member is None:
        raise NotFound("member", edit.at("membership_id"))
    subject = Subject(member, tuple(decision_context.grants[member.id]), decision_context.administrators)
    for reason in against_updating(context, decision_context.viewer, subject):
        raise refusal_for(
            context, decision_context.viewer, subject, reason, edit.at("membership_id"), needed=ASSIGN_ROLES
        )
    if edit.expected_version is not None and edit.expected_version != member.version:
        raise Stale(member.version, edit.at("expected_version"))
    return plan_access(context, decision_context, edit)


def _left_to_nobody(context: RequestContext, decision_context: DecisionContext, plans: Sequence[AccessPlan]) -> bool:
    return bool(decision_context.administrators) and not administrators_after(context.policy, decision_context, plans)


async def _last(ask: DirectoryQueries, decision_context: DecisionContext, plan: AccessPlan) -> Refused:
    part = "role_keys" if plan.edit.role_keys is not None else "ends"
    return await last_administrator(ask, decision_context.organization.id, plan.edit.at(part), [plan.member.id])


def _all_planned(planned: Sequence[AccessPlan | list[Refused]]) -> list[AccessPlan]:
    refusals = [refusal for one in planned if not isinstance(one, AccessPlan) for refusal in one]
    if refusals:
        raise refusals[0] if len(refusals) == 1 else RefusedTogether(refusals)
    return [one for one in planned if isinstance(one, AccessPlan)]


async def _carried_out(
    context: RequestContext, change: DirectoryChange, decision_context: DecisionContext, plans: Sequence[AccessPlan]
) -> list[AccessOutcome]:
    outcomes = []
    for number, plan in enumerate(plans):
        member = await carry_out(context, change, decision_context, plan)
        warnings = _warnings_of_last(context, decision_context, plans[: number + 1])
        outcomes.append(AccessOutcome(member, await preview_of(context, decision_context, plan, warnings), context.now))
    if any(plan.changes for plan in plans):
        await hand_on_login_name(
            context, change, decision_context.organization, by=author(context, plans[0].edit.reason)
        )
    return outcomes


async def carry_out(
    context: RequestContext,
    change: DirectoryChange,
    decision_context: DecisionContext,
    plan: AccessPlan,
    *,
    deciding: AccessRequestId | None = None,
) -> MembershipRecord:
    """Give and take what the plan says, count up the membership's version, and notify the member; return them.

    What they began and may not begin any more ends with what is taken, and what they asked for and hold now with what
    is given. Whoever is `deciding` a request ends it and notifies of it themself.
    """
    if not plan.changes:
        return plan.member
    by, now = author(context, plan.edit.reason), context.now
    for grant in plan.take:
        await recorded.revoke(change, grant.id, by=by, now=now)
    for grant in plan.give:
        until = grant.valid_until
        await recorded.give(change, grant.membership_id, grant.kind, grant.key, until=until, by=by, now=now)
    if plan.give:
        await end_held_requests(context, change, plan.member.id, by, but=deciding)
    if plan.take:
        await end_what_they_may_not_begin(context, change, plan.member.organization_id, plan.member.user_id, by)
    user = decision_context.users.get(plan.member.user_id)
    if user is not None and deciding is None:
        await notify_of_change(context, change, decision_context.organization, user, plan.give, plan.take)
    return await change.renew_membership(plan.member.id)


def _warnings_of_last(
    context: RequestContext, decision_context: DecisionContext, plans: Sequence[AccessPlan]
) -> list[Warned]:
    gained = permissions_in(difference(context, decision_context, plans[-1])[0])
    return [warned for warned in warnings_of(context, decision_context, plans) if warned.permission in gained]


def _written(outcome: AccessOutcome) -> dict[str, Any]:
    if outcome.membership is None or outcome.preview is None or outcome.effective_from is None:
        return {"refusals": [receipts.written(refusal) for refusal in outcome.refusals]}
    return {
        "membership": outcome.membership.id,
        "preview": access_previews.written(outcome.preview),
        "at": outcome.effective_from.isoformat(),
    }


async def _read(context: RequestContext, receipt: dict[str, Any]) -> AccessOutcome:
    """Return what the receipt of an earlier request says, with the member as they are now."""
    if "refusals" in receipt:
        return AccessOutcome(None, None, None, tuple(receipts.read(text) for text in receipt["refusals"]))
    (member,) = await context.backends.directory.memberships([MembershipId(receipt["membership"])])
    preview = await access_previews.read(context, receipt["preview"], member) if member is not None else None
    return AccessOutcome(member, preview, datetime.fromisoformat(receipt["at"]))


async def _answered(context: RequestContext, made: "_Made", receipt: Receipt) -> list[AccessOutcome]:
    """Return the outcomes; whose own access changed sees the change in the rest of this request."""
    outcomes = made.outcomes if made.receipt is receipt else [await _read(context, row) for row in receipt]
    changed = [outcome.membership for outcome in outcomes if outcome.membership is not None]
    await renew_caller(context, changed)
    return outcomes


class _Made:
    """What the last attempt at a change came to; it counts only when that attempt's receipt is the one answered."""

    def __init__(self) -> None:
        self.outcomes: list[AccessOutcome] = []
        self.receipt: Receipt = None

    def note(self, outcomes: list[AccessOutcome]) -> Receipt:
        """Keep the outcomes and return their receipt."""
        self.outcomes, self.receipt = outcomes, [_written(outcome) for outcome in outcomes]
        return self.receipt


async def renew_caller(context: RequestContext, changed: Sequence[MembershipRecord]) -> None:
    """Let the rest of the request see the caller as they are now, when one of these memberships is theirs."""
    caller = context.caller
    if caller is not None and caller.user.id in [member.user_id for member in changed]:
        now = await context.backends.directory.caller(caller.user.id, caller.session_id, context.now)
        if now is not None:
            context.become(now)

"""Changing what members may do, and seeing beforehand what it would mean."""

from collections.abc import Sequence

import strawberry

from connectors.applications.interface import MOST_APPLICATIONS
from connectors.ids import MembershipId, OrganizationId
from permissions.access_rules import ASSIGN_ROLES, OPEN
from permissions.vocabulary import Permission, most_permissions
from resolvers.access import commands as member_access
from resolvers.access import plans as access_plans
from resolvers.access import previews as access_previews
from resolvers.access.commands import MOST_CHANGES, AccessOutcome
from resolvers.access.edits import UNCHANGED, AccessEdit, GrantEnd
from resolvers.context import RequestContext
from resolvers.refusals import InvalidArgument, Refused
from resolvers.texts import Text
from schema.graph.fields import Sizing, computed, graph_type, listed
from schema.graph.mutations import in_organization, mutation, of_object, query
from schema.graph.scalars import DateTime
from schema.graph.user_errors import (
    MOST_ERRORS,
    MOST_WARNINGS,
    Entry,
    Payload,
    UserError,
    entries,
    entry_of,
    input_path,
)
from schema.launcher import Application, ApplicationTile
from schema.members.types import Membership
from schema.roles import DescribedPermission


def _warning_message(_context: RequestContext, warned: access_plans.Warned) -> str:
    return (
        f"{warned.holders} people hold {warned.permission.value} now. It is recommended for {warned.recommended} at "
        "most: check whether somebody can give it back."
    )


@graph_type(of=access_plans.Warned)
class AccessWarning:
    """More people would hold a permission than is recommended."""

    permission: DescribedPermission = strawberry.field(description="The permission.")
    holders: int = strawberry.field(description="The number of active members who hold it afterwards.")
    recommended: int = strawberry.field(description="The recommended maximum number of holders.")
    message: str = computed(_warning_message, requires=OPEN, description="What this means, for people.")


def _entries(context: RequestContext, preview: access_previews.AccessPreview) -> list[Entry]:
    return [entry_of(context, refusal) for refusal in preview.refusals]


@graph_type(of=access_previews.AccessPreview)
class AccessPreview:
    """What a change of access would mean for a member."""

    permissions_added: list[DescribedPermission] = listed(
        at_most=most_permissions,
        assumed_size=5,
        description="The permissions that the member gains.",
    )
    permissions_removed: list[DescribedPermission] = listed(
        at_most=most_permissions,
        assumed_size=5,
        description="The permissions that the member loses.",
    )
    applications_added: list[Application] = listed(
        at_most=MOST_APPLICATIONS,
        assumed_size=5,
        description="The applications that the member gains.",
    )
    applications_removed: list[Application] = listed(
        at_most=MOST_APPLICATIONS,
        assumed_size=5,
        description="The applications that the member loses.",
    )
    tiles: list[ApplicationTile] = listed(
        at_most=MOST_APPLICATIONS,
        assumed_size=15,
        description="The member's tiles after the change, including those that would not open. A grant that does not "
        "exist yet has an id that finds nothing.",
    )
    warnings: list[AccessWarning] = listed(
        at_most=MOST_WARNINGS,
        assumed_size=1,
        description="What deserves a second look before the change is made.",
    )
    errors: list[UserError] = computed(
        _entries,
        requires=OPEN,
        at_most=MOST_ERRORS,
        assumed_size=1,
        description="Why the change would be refused; empty when it would be accepted.",
    )


def _current_version(_context: RequestContext, outcome: AccessOutcome) -> int | None:
    return outcome.membership.version if outcome.membership is not None else None


def _preview_of(_context: RequestContext, outcome: AccessOutcome) -> access_previews.AccessPreview:
    return outcome.preview or access_previews.AccessPreview(refusals=outcome.refusals)


@strawberry.input
class GrantEndInput:
    """The end of one role or one direct permission."""

    role_key: str | None = strawberry.field(
        default=None, description="The key of the role; give either this or `permission`."
    )
    permission: Permission | None = strawberry.field(default=None, description="The direct permission.")
    valid_until: DateTime | None = strawberry.field(description="When it ends automatically; null when it does not.")


_ROLE_KEYS = "The keys of all roles that the member is to hold; left out, they stay as they are."
_PERMISSIONS = (
    "All permissions that the member is to hold directly, including those that come from a role the member "
    "keeps; left out, they stay as they are."
)
_VALID_UNTIL = (
    "When everything listed in `roleKeys` and `permissions` ends automatically; null when it does not. Left "
    "out, what the member holds keeps its end, and what is new has none."
)
_ENDS = "When individual roles or permissions end, instead of `validUntil`."


@strawberry.input
class MemberAccessInput:
    """The roles and permissions that one member is to hold."""

    membership_id: strawberry.ID = strawberry.field(description="The member.")
    expected_version: int | None = None
    role_keys: list[str] | None = strawberry.field(default=None, description=_ROLE_KEYS)
    permissions: list[Permission] | None = strawberry.field(default=None, description=_PERMISSIONS)
    valid_until: DateTime | None = strawberry.field(default=strawberry.UNSET, description=_VALID_UNTIL)
    ends: list[GrantEndInput] | None = strawberry.field(default=None, description=_ENDS)
    reason: str | None = None


@strawberry.input
class PreviewAccessInput(MemberAccessInput):
    """The roles and permissions that a member would hold."""


@strawberry.input
class UpdateMemberAccessInput(MemberAccessInput):
    """The roles and permissions that a member is to hold."""

    idempotency_key: str | None = None
    dry_run: bool = strawberry.field(
        default=False, description="Only report what it would do: nothing is changed and nobody gets a mail."
    )


@strawberry.input
class UpdateMembersAccessInput:
    """The roles and permissions that several members of an organization are to hold."""

    organization_id: strawberry.ID
    changes: list[MemberAccessInput] = strawberry.field(description="One for each member, 100 at most.")
    idempotency_key: str
    all_or_nothing: bool = strawberry.field(
        default=True,
        description="Whether one refusal refuses all changes; otherwise each is made or refused separately.",
    )
    dry_run: bool = strawberry.field(
        default=False, description="Only report what it would do: nothing is changed and nobody gets a mail."
    )


class UpdateMemberAccessPayload(Payload):
    """The result of a change of access."""

    membership: Membership | None = strawberry.field(description="The member as they are now; null when refused.")
    preview: AccessPreview | None = strawberry.field(description="What it does, or would do in a dry run.")
    effective_from: DateTime | None = strawberry.field(
        description="When it takes effect: at once. Null when nothing was stored."
    )
    warnings: list[AccessWarning] | None = listed(
        at_most=MOST_WARNINGS,
        assumed_size=1,
        description="What deserves a second look.",
    )
    errors: list[UserError] = entries("Why nothing was changed; empty when it was.")


class UpdateMembersAccessPayload(Payload):
    """The results of several changes of access."""

    results: list[UpdateMemberAccessPayload] | None = listed(
        at_most=MOST_CHANGES,
        assumed_size=10,
        description="One for each change, in their order; null when all are refused.",
    )
    errors: list[UserError] = entries(
        "With `allOrNothing`, everything that was refused, by its path; nothing was changed then."
    )


@graph_type(of=AccessOutcome)
class MemberAccessPreview:
    """What one of several changes of access would mean for its member."""

    membership: Membership | None = strawberry.field(
        description="The member as they are now; null when there is no such member in the organization."
    )
    current_version: int | None = computed(
        _current_version,
        requires=OPEN,
        description="The member's version now: send it as `expectedVersion`, so that nobody else's change is "
        "overwritten.",
    )
    preview: AccessPreview = computed(
        _preview_of, requires=OPEN, description="What the change would mean, or why it would be refused."
    )


def _edits_of(changes: Sequence[MemberAccessInput]) -> list[AccessEdit]:
    return [_edit_of(change, "changes", str(number)) for number, change in enumerate(changes)]


def _edit_of(input: MemberAccessInput, *path: str) -> AccessEdit:
    return AccessEdit(
        membership_id=MembershipId(input.membership_id),
        expected_version=input.expected_version,
        role_keys=tuple(input.role_keys) if input.role_keys is not None else None,
        permissions=tuple(input.permissions) if input.permissions is not None else None,
        valid_until=UNCHANGED if input.valid_until is strawberry.UNSET else input.valid_until,
        ends=tuple(GrantEnd(end.role_key, end.permission, end.valid_until) for end in input.ends or ()),
        reason=input.reason,
        path=path,
    )


def _payload(context: RequestContext, outcome: AccessOutcome) -> UpdateMemberAccessPayload:
    return UpdateMemberAccessPayload(
        membership=outcome.membership,
        preview=outcome.preview,
        effective_from=outcome.effective_from,
        warnings=list(outcome.preview.warnings) if outcome.preview is not None else None,
        errors=[entry_of(context, refusal) for refusal in outcome.refusals],
    )


def _refused(refusals: Sequence[Refused]) -> access_previews.AccessPreview:
    return access_previews.AccessPreview(refusals=tuple(refusals))


def _cannot_be_taken_together(refusals: Sequence[Refused]) -> None:
    """Say of the argument `changes` what no single change is to blame for, such as that there are too many."""
    first = refusals[0]
    raise InvalidArgument(
        Text("`{path}`: {problem}", path=".".join(input_path(first.path or ())), problem=first.message)
    )


@strawberry.type
class AccessQueries:
    """What a change would mean."""

    @query(requires=ASSIGN_ROLES, within=of_object("mbr", "input.membership_id"), refused=_refused)
    async def preview_access(self, context: RequestContext, input: PreviewAccessInput) -> AccessPreview | None:
        """What `updateMemberAccess` would do, by the same decision; null when there is no such member that you may know
        of. Writes nothing.
        """
        outcome = await member_access.preview_access(context, _edit_of(input))
        return outcome.preview  # type: ignore[return-value]  # the record that the type reads

    @query(
        requires=ASSIGN_ROLES,
        within=in_organization("organization_id"),
        refused=_cannot_be_taken_together,
        arguments={
            "organization_id": "The organization.",
            "changes": "The changes, one for each member, 100 at most, answered in this order.",
        },
        sizing=Sizing(sliced_by="changes", at_most=MOST_CHANGES),
    )
    async def preview_members_access(
        self, context: RequestContext, organization_id: OrganizationId, changes: list[MemberAccessInput]
    ) -> list[MemberAccessPreview] | None:
        """What `updateMembersAccess` would do with these changes in one transaction, by the same decision: the last
        administrator is looked for once all changes are taken together. When one of them has errors, none would be
        made. Null when there is no such organization that you may know of. Writes nothing.
        """
        return await member_access.preview_members_access(
            context, organization_id, _edits_of(changes), all_or_nothing=True
        )  # type: ignore[return-value]  # the records that the type reads


@strawberry.type
class AccessMutations:
    """Changes of what members may do."""

    @mutation(requires=ASSIGN_ROLES, within=of_object("mbr", "input.membership_id"), answers_again=True)
    async def update_member_access(
        self, context: RequestContext, input: UpdateMemberAccessInput
    ) -> UpdateMemberAccessPayload | None:
        """Set the roles and direct permissions that a member holds, from the next request on."""
        edit = _edit_of(input)
        if input.dry_run:
            return _payload(context, await member_access.preview_access(context, edit))
        return _payload(context, await member_access.update_member_access(context, edit, input.idempotency_key))

    @mutation(requires=ASSIGN_ROLES, within=in_organization(), answers_again=True, results_of="input.changes")
    async def update_members_access(
        self, context: RequestContext, input: UpdateMembersAccessInput
    ) -> UpdateMembersAccessPayload | None:
        """Change what several members hold, in one transaction."""
        organization_id, edits = OrganizationId(input.organization_id), _edits_of(input.changes)
        if input.dry_run:
            outcomes = await member_access.try_members_access(
                context, organization_id, edits, all_or_nothing=input.all_or_nothing
            )
        else:
            outcomes = await member_access.update_members_access(
                context, organization_id, edits, all_or_nothing=input.all_or_nothing, key=input.idempotency_key
            )
        return UpdateMembersAccessPayload(results=[_payload(context, outcome) for outcome in outcomes])

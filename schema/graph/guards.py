"""What a field asks of its caller, declared once: printed in the schema, said in the description, enforced before
the resolver."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from permissions.decision import decide, may
from permissions.directive import Authenticated, RequiresPermission
from permissions.vocabulary import DenialReason, Permission, PermissionScope, mask_of
from resolvers.context import RequestContext
from resolvers.refusals import Coordinate, NotPermitted, NotSignedIn
from resolvers.view_as import ViewIsReadOnly


@dataclass(frozen=True, slots=True)
class Guard:
    """What a field asks: nothing, somebody signed in, or one of `any_of`.

    What is `personal` is open to the person concerned (`or_self`), and not to somebody who only sees the portal as they
    would. With `by_caller`, an open field answers by the caller, so whoever sent an access token wants it answered for
    themself; not when they give what stands at the dotted path `unless_given`, which proves or says who they are.
    """

    signed_in: bool = False
    any_of: tuple[Permission, ...] = ()
    scope: PermissionScope = PermissionScope.ORGANIZATION
    or_self: bool = False
    personal: bool = False
    by_caller: bool = False
    unless_given: str | None = None

    @property
    def without_permissions(self) -> "Guard":
        """Return what is asked when the field asks for its permissions itself."""
        return Guard(self.signed_in, by_caller=self.by_caller, unless_given=self.unless_given)

    @classmethod
    def of(cls, directives: Iterable[object]) -> "Guard":
        """Return the guard that these directives print, the open one when none of them is a guard's."""
        for directive in directives:
            match directive:
                case RequiresPermission(any_of=permissions, scope=scope, or_self=or_self):
                    return cls(True, tuple(permissions), scope, or_self)
                case Authenticated():
                    return cls(True)
        return cls()

    @property
    def directives(self) -> list[object]:
        """Return the directives that print this guard in the schema."""
        if self.any_of:
            return [RequiresPermission(any_of=list(self.any_of), scope=self.scope, or_self=self.or_self)]
        return [Authenticated()] if self.signed_in else []

    @property
    def sentence(self) -> str:
        """Return what the description of the field says of this guard, empty for an open field."""
        if not self.any_of:
            return "Needs somebody who is signed in." if self.signed_in else ""
        codes = [permission.value for permission in self.any_of]
        needed = codes[0] if len(codes) == 1 else f"{', '.join(codes[:-1])} or {codes[-1]}"
        where = "as vendor staff" if self.scope is PermissionScope.VENDOR else "in the organization"
        return f"Needs {needed} {where}{', or to be the person concerned' if self.or_self else ''}."

    def described(self, description: str) -> str:
        """Return a description with the sentence of this guard at its end."""
        return f"{description}\n\n{self.sentence}" if self.sentence else description


OPEN = Guard()
"""The explicit mark of a field with a resolver that everybody may read who may hold the object."""

BY_CALLER = Guard(by_caller=True)
"""Open to everybody like `OPEN`, and answered by the caller: nothing for somebody who is not signed in."""


def by_caller_unless(given: str) -> Guard:
    """Return the guard of what somebody does signed in, or without by giving what stands at a path (`input.token`)."""
    return Guard(by_caller=True, unless_given=given)


AUTHENTICATED = Guard(signed_in=True)
"""Somebody has to be signed in."""


def any_of(
    *permissions: Permission,
    scope: PermissionScope = PermissionScope.ORGANIZATION,
    or_self: bool = False,
    personal: bool = False,
) -> Guard:
    """Return the guard that asks for one of these permissions; `or_self` lets the person concerned pass without."""
    return Guard(signed_in=True, any_of=permissions, scope=scope, or_self=or_self, personal=personal)


class BoundGuard:
    """A guard at its field: knows how to find an object's organization and the person it concerns.

    `of_mutation` says of a guard within an input whether it guards a mutation; a field's coordinate says it itself.
    """

    __slots__ = ("_mask", "_of_mutation", "coordinate", "guard", "organization_of", "person_of")

    def __init__(
        self,
        guard: Guard,
        coordinate: Coordinate,
        organization_of: Callable[[Any], str | None] | None,
        person_of: Callable[[Any], str | None] | None,
        *,
        of_mutation: bool = False,
    ) -> None:
        self.guard = guard
        self.coordinate = coordinate
        self.organization_of = organization_of
        self.person_of = person_of
        self._mask = mask_of(guard.any_of)
        self._of_mutation = of_mutation or coordinate.type_name == "Mutation"

    def refusals(self, context: RequestContext, parents: Sequence[Any]) -> Sequence[NotPermitted | None] | None:
        """Return why each parent's field is refused, None for those that are not; None when none is.

        Decides once per organization; the parents of one organization share one refusal.
        """
        guard, view_as = self.guard, context.view_as
        if view_as is not None and self._of_mutation:
            raise ViewIsReadOnly  # the gateway has refused it before; whoever forgets to is caught here
        if not guard.signed_in:
            return None
        viewer = context.viewer
        if viewer is None:
            return [self._refusal(context, None)] * len(parents)
        if not self._mask:
            return None
        if guard.scope is PermissionScope.VENDOR:
            return None if viewer.vendor_mask & self._mask else [self._refusal(context, None)] * len(parents)
        organization_of = self.organization_of
        assert organization_of is not None  # build_schema has checked it
        closed = {
            organization
            for organization in set(map(organization_of, parents))
            if organization is None or not may(viewer, self._mask, organization, context.now)
        }
        if not closed:
            return None
        organizations = map(organization_of, parents)
        is_hidden = guard.personal and view_as is not None and not view_as.shows_contacts
        person_of, me = self.person_of if guard.or_self and not is_hidden else None, viewer.user_id
        if person_of is not None and all(person_of(parent) == me for parent in parents):
            return None
        refused = {organization: self._refusal(context, organization) for organization in closed}
        answer = [
            None if person_of is not None and person_of(parent) == me else refused.get(organization)
            for parent, organization in zip(parents, organizations, strict=True)
        ]
        if context.unenforced is not None:
            answer = self._enforced(context.unenforced, answer)
        return answer if any(answer) else None

    def _enforced(
        self, unenforced: list[NotPermitted], refusals: Sequence[NotPermitted | None]
    ) -> list[NotPermitted | None]:
        """Return the refusals that hold in a dry run too, and note the others once each.

        A dry run shows an active member what a right of their own organization would show them. It opens no other
        organization, needs somebody signed in, and lets nobody do anything.
        """
        if self._of_mutation:
            return list(refusals)
        lifted = dict.fromkeys(
            one for one in refusals if one is not None and one.decision.reason is DenialReason.MISSING_PERMISSION
        )
        unenforced.extend(lifted)
        return [None if one in lifted else one for one in refusals]

    def _refusal(self, context: RequestContext, organization_id: str | None) -> NotPermitted:
        decision = decide(
            context.viewer,
            self.guard.any_of,
            organization_id=organization_id,
            now=context.now,
            scope=self.guard.scope,
            policy=context.policy,
        )
        kind = NotPermitted if context.viewer is not None else NotSignedIn
        return kind(self.coordinate, self.guard.any_of, decision, organization_id)

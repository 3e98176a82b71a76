"""What a field asks of its caller: printed in the schema as ``@authenticated`` and ``@requiresPermission``, said in
the description, enforced before the resolver."""

from collections.abc import Callable, Sequence
from typing import Any

import strawberry
from strawberry.schema_directive import Location

from permissions.access_rules import AUTHENTICATED, OPEN, AccessRule
from permissions.decision import decide
from permissions.vocabulary import DenialReason, Permission, PermissionScope
from resolvers.context import RequestContext
from resolvers.refusals import Coordinate, NotPermitted, NotSignedIn
from resolvers.view_as import ViewIsReadOnly

# The enums are named here, beside the directives that speak of them; schema/graph/enums.py describes their values.
strawberry.enum(
    Permission,
    name="PermissionCode",
    description="One thing that somebody may do in an organization, or as vendor staff.",
)
strawberry.enum(PermissionScope, name="PermissionScope", description="Where a permission must be held.")


_LOCATIONS = [
    Location.FIELD_DEFINITION,
    Location.ARGUMENT_DEFINITION,
    Location.INPUT_FIELD_DEFINITION,
    Location.ENUM_VALUE,
]
"""What can be guarded; all but a field only where a request uses it."""


@strawberry.schema_directive(locations=_LOCATIONS, name="authenticated")
class Authenticated:
    """Needs somebody who is signed in."""


@strawberry.schema_directive(locations=_LOCATIONS, name="requiresPermission")
class RequiresPermission:
    """Needs one of these permissions, held in the organization of the object, or by the vendor's staff. With orSelf,
    the viewer's own object needs none.
    """

    any_of: list[Permission]
    scope: PermissionScope = PermissionScope.ORGANIZATION
    or_self: bool = False


def directives_of(rule: AccessRule) -> list[object]:
    """Return the directives that print a rule in the schema."""
    if rule.any_of:
        return [RequiresPermission(any_of=list(rule.any_of), scope=rule.scope, or_self=rule.or_self)]
    return [Authenticated()] if rule.signed_in else []


def rule_of(element: Any) -> AccessRule:
    """Return the rule that a field, argument, input field or enum value of the schema is printed with, else `OPEN`."""
    definition = element.extensions.get("strawberry-definition")
    for directive in getattr(definition, "directives", None) or ():
        match directive:
            case RequiresPermission(any_of=permissions, scope=scope, or_self=or_self):
                return AccessRule(True, tuple(permissions), scope, or_self)
            case Authenticated():
                return AUTHENTICATED
    return OPEN


def described(description: str, rule: AccessRule) -> str:
    """Return a description with what the rule asks for at its end; none of nothing, so that the build misses it."""
    if not description.strip():
        return ""
    if not rule.any_of:
        return f"{description}\n\nNeeds somebody who is signed in." if rule.signed_in else description
    where = "as vendor staff" if rule.scope is PermissionScope.VENDOR else "in the organization"
    or_self = ", or to be the person concerned" if rule.or_self else ""
    return f"{description}\n\nNeeds {rule.needed} {where}{or_self}."


class Guard:
    """A rule at its field: knows how to find an object's organization and the person it concerns.

    `of_mutation` says of a guard within an input whether it guards a mutation; a field's coordinate says it itself.
    """

    __slots__ = ("_of_mutation", "coordinate", "organization_of", "person_of", "rule")

    def __init__(
        self,
        rule: AccessRule,
        coordinate: Coordinate,
        organization_of: Callable[[Any], str | None] | None,
        person_of: Callable[[Any], str | None] | None,
        *,
        of_mutation: bool = False,
    ) -> None:
        self.rule = rule
        self.coordinate = coordinate
        self.organization_of = organization_of
        self.person_of = person_of
        self._of_mutation = of_mutation or coordinate.type_name == "Mutation"

    @property
    def is_open(self) -> bool:
        """Whether it refuses nobody, ever."""
        return not self.rule.signed_in and not self._of_mutation

    def refusals(self, context: RequestContext, parents: Sequence[Any]) -> Sequence[NotPermitted | None] | None:
        """Return why each parent's field is refused, None for those that are not; None when none is.

        Decides once per organization; the parents of one organization share one refusal. What a payload shows may be
        read by whoever might before its change or may after it.
        """
        rule, view_as = self.rule, context.view_as
        holds = context.may if self._of_mutation else context.may_see
        if view_as is not None and self._of_mutation:
            raise ViewIsReadOnly  # the gateway has refused it before; whoever forgets to is caught here
        if not rule.signed_in:
            return None
        viewer = context.viewer
        if viewer is None:
            return [self._refusal(context, None)] * len(parents)
        if not rule.any_of:
            return None
        if rule.scope is PermissionScope.VENDOR:
            return None if holds(rule) else [self._refusal(context, None)] * len(parents)
        organization_of = self.organization_of
        assert organization_of is not None  # build_schema has checked it
        closed = {organization for organization in set(map(organization_of, parents)) if not holds(rule, organization)}
        if not closed:
            return None
        organizations = map(organization_of, parents)
        is_hidden = rule.personal and view_as is not None and not view_as.shows_contacts
        person_of, me = self.person_of if rule.or_self and not is_hidden else None, viewer.user_id
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
        rule, now = self.rule, context.now
        decision = decide(context.viewer, rule, organization_id=organization_id, now=now, policy=context.policy)
        kind = NotPermitted if context.viewer is not None else NotSignedIn
        return kind(self.coordinate, rule, decision, organization_id)

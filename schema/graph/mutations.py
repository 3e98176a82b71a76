"""How a mutation is declared: whom it asks for, in the organization of which object, and what its payload says.

    @mutation(requires=MANAGE_MEMBERS, within=of_object("mbr", "input.id"))
    async def remove_member(self, context: RequestContext, input: MemberActionInput) -> MembershipPayload | None:
        '''Remove a member from the organization.'''
        return MembershipPayload(membership=await commands.remove_member(context, MembershipId(input.id)))

Nobody signed in: the field is null, with UNAUTHENTICATED. Signed in and not permitted: a PermissionError in the
payload, and the function is not called. An object of somebody else's organization: NOT_FOUND, as for an unknown id.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import Any, get_args, get_type_hints

from strawberry.annotation import StrawberryAnnotation
from strawberry.types.base import StrawberryList
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from connectors.ids import OrganizationId
from permissions.access_rules import AccessRule
from permissions.vocabulary import PermissionScope
from resolvers.audit.refused_attempts import record_refusal
from resolvers.context import RequestContext
from resolvers.nodes.organization_of import KINDS, visible_organization_of
from resolvers.refusals import Coordinate, Forbidden, Invalid, NotFound, NotPermitted, Refused, RefusedTogether
from resolvers.transactions import KEY, forbidden, was_done, wrong_key
from schema.graph.backends import Backend
from schema.graph.fields import Declaration, DeclaredField, Sizing, docstring_of
from schema.graph.user_errors import entry_of


@dataclass(frozen=True, slots=True)
class Within:
    """In the organization of which object a mutation is guarded: the object's kind, and where its id stands."""

    kind: str
    path: str

    def id_in(self, arguments: dict[str, Any]) -> str:
        """Return the id."""
        name, _, rest = self.path.partition(".")
        value = attrgetter(rest)(arguments[name]) if rest else arguments[name]
        return str(value)

    @property
    def input_path(self) -> list[str]:
        """Return where the id stands within `input`."""
        return self.path.split(".")[1:]


def of_object(kind: str, path: str) -> Within:
    """Say that the guard asks in the organization of the object whose id stands at the dotted path of the arguments.

    `kind` is the beginning of its ids, such as ``mbr``; see `resolvers.nodes.organization_of`.
    """
    return Within(kind, path)


def in_organization(path: str = "input.organization_id") -> Within:
    """Say that the guard asks in the organization whose id stands at the dotted path of the arguments."""
    return Within("org", path)


def mutation(
    *,
    requires: AccessRule,
    within: Within | None = None,
    recorded: bool = True,
    answers_again: bool = False,
    cost: int | None = None,
    results_of: str | None = None,
    backend: Backend | None = None,
) -> Callable[[Callable[..., Awaitable[Any]]], Any]:
    """Make an async method the mutation of its name: its docstring is the description, its answer the payload.

    What it refuses stands in the payload's `errors`; the other fields are then null, false or empty. `within` is needed
    where `requires` asks for a permission in an organization. Refusals go into the audit log under the mutation's name;
    not with `recorded=False`, where they are on record already.

    `answers_again` is for mutations by which somebody may give away the very right that they need: who has done it
    before with the same `idempotencyKey` gets past the guard, and gets the answer again. Only for a function that does
    nothing before `changed_once`, in a command that asks again what the caller may do.

    With `results_of`, the payload has one of `results` for each entry of the list at this dotted path of the arguments.
    `backend` is the application of an extension that makes the change.

    Raises:
        TypeError: A permission in an organization is asked for, and nothing says in which.
    """

    def declared(method: Callable[..., Awaitable[Any]]) -> Any:
        if requires.any_of and requires.scope is PermissionScope.ORGANIZATION and within is None:
            raise TypeError(f"{method.__qualname__} asks for a permission; say in which organization, by within=.")
        action = to_camel_case(method.__name__)

        async def answer(context: RequestContext, **arguments: Any) -> Any:
            target = _Target(action, arguments, within)
            context.viewer_before = context.viewer
            try:
                await (target.check_unless_done if answers_again else target.check)(context, requires)
                return await method(None, context, **arguments)
            except Refused as refusal:
                refusals = [refusal]
            except RefusedTogether as together:
                refusals = together.refusals
            refusals = [*refusals, *target.wrong_key_beside(refusals)]
            for one in refusals if recorded else ():
                await target.record(context, one)
            fields = dict(_nothing_of(_payload_of(method)))
            for one in refusals:
                fields |= one.beside
            return _payload_of(method)(**fields | {"errors": [entry_of(context, one) for one in refusals]})

        sizing = Sizing(cost, sliced_by=results_of, sized_fields=("results",) if results_of is not None else ())
        return _declared(method, answer, requires, sizing, backend=backend)

    return declared


def query(
    *,
    requires: AccessRule,
    within: Within,
    refused: Callable[[list[Refused]], Any],
    arguments: Mapping[str, str] | None = None,
    sizing: Sizing | None = None,
) -> Callable[[Callable[..., Awaitable[Any]]], Any]:
    """Make an async method a field of Query that asks for a permission in the organization of an object in its input.

    It is null for an unknown object and for one of somebody else's organization alike, and refused like any field to
    whoever may not. `refused` makes the answer of what the method refuses; nothing of it is recorded.
    """

    def declared(method: Callable[..., Awaitable[Any]]) -> Any:
        coordinate = Coordinate("Query", to_camel_case(method.__name__))

        async def answer(context: RequestContext, **arguments: Any) -> Any:
            try:
                await _Target("", arguments, within).check(context, requires)
            except NotFound:
                return None
            except Forbidden as forbidden:
                raise NotPermitted(coordinate, requires, forbidden.decision, forbidden.organization_id) from forbidden
            try:
                return await method(None, context, **arguments)
            except Refused as refusal:
                return refused([refusal])
            except RefusedTogether as together:
                return refused(together.refusals)

        return _declared(method, answer, requires, sizing or Sizing(), arguments)

    return declared


def _declared(
    method: Callable[..., Any],
    answer: Callable[..., Awaitable[Any]],
    requires: AccessRule,
    sizing: Sizing,
    arguments: Mapping[str, str] | None = None,
    backend: Backend | None = None,
) -> DeclaredField:
    async def answer_all(context: RequestContext, parents: Any, **values: Any) -> Any:
        return [await answer(context, **values)] * len(parents)

    return DeclaredField.of(
        Declaration(answer_all, True, requires, backend, asks_itself=True),
        method,
        docstring_of(method),
        arguments,
        sizing=sizing,
        type_annotation=StrawberryAnnotation(get_type_hints(method)["return"]),
    )


@cache
def _payload_of(method: Callable[..., Any]) -> Any:
    hint = get_type_hints(method)["return"]
    return next((part for part in get_args(hint) if part is not NoneType), hint)


class _Target:
    """Where one call of a mutation acts: on which object, in which organization."""

    def __init__(self, action: str, arguments: dict[str, Any], within: Within | None) -> None:
        self._action = action
        self._within = within
        self._id = within.id_in(arguments) if within is not None else str(getattr(arguments.get("input"), "id", ""))
        self._organization_id: OrganizationId | None = None
        self._key: str | None = getattr(arguments.get("input"), "idempotency_key", None)
        self._is_dry = bool(getattr(arguments.get("input"), "dry_run", False))

    async def check(self, context: RequestContext, requires: AccessRule) -> None:
        """Return when the caller may do it here.

        Raises:
            NotFound: There is no such object, or it belongs to an organization that is not the caller's.
            Forbidden: The caller holds none of the permissions there.
        """
        if self._within is not None:
            kind = self._within.kind
            self._organization_id = await visible_organization_of(context, kind, self._id)
            if self._organization_id is None:
                raise NotFound(KINDS[kind].what, self._within.input_path)
        if not requires.any_of:
            return
        target = self._organization_id if requires.scope is PermissionScope.ORGANIZATION else None
        if not context.may(requires, target):
            raise forbidden(context, context.viewer, requires, target)

    async def check_unless_done(self, context: RequestContext, requires: AccessRule) -> None:
        """Return when the caller may do it here, or did it before with this key: then it is answered, not done again.

        An object of an organization that they do not belong to stays unknown, unless belonging is all that is asked.
        A dry run is never answered again: it has no receipt.

        Raises:
            NotFound, Forbidden: As `check` does.
        """
        try:
            await self.check(context, requires)
        except (NotFound, Forbidden) as refusal:
            stays = (isinstance(refusal, NotFound) and bool(requires.any_of)) or self._is_dry
            if stays or not await was_done(context, self._key):
                raise

    def wrong_key_beside(self, refusals: Sequence[Refused]) -> list[Refused]:
        """Return what is wrong with the key when other values are, too: all of an input is reported at once."""
        wrong = wrong_key(self._key) if isinstance(self._key, str) else None
        about_values = all(isinstance(one, Invalid) and one.path != KEY for one in refusals)
        return [wrong] if wrong is not None and about_values else []

    async def record(self, context: RequestContext, refusal: Refused) -> None:
        """Put the refusal on record, in the log of the organization where there is one that the caller belongs to."""
        subject = self._id or (context.caller.user.id if context.caller is not None else "")
        await record_refusal(context, self._action, refusal, subject_id=subject, organization_id=self._organization_id)


@cache
def _nothing_of(payload: type) -> dict[str, Any]:
    """Return the fields of a payload when nothing was done; the build lets no other kinds of fields pass."""
    fields: list[StrawberryField] = payload.__strawberry_definition__.fields  # type: ignore[attr-defined]
    nothing = {StrawberryList: [], bool: False}
    return {it.python_name: nothing.get(it.type if it.type is bool else type(it.type)) for it in fields if it.init}

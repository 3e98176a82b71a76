"""How an extension declares a mutation: our payload, guard, keys and audit log around a change in its back end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn, TypeVar

import orjson
import strawberry
from strawberry.utils.str_converters import to_camel_case

from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.errors import Declined, OutcomeUnknown
from connectors.ids import OrganizationId
from connectors.values import Localized
from permissions.access_rules import AccessRule
from permissions.vocabulary import PermissionScope
from resolvers.changes_elsewhere import ChangedElsewhere, Permitted, changed_elsewhere
from resolvers.context import RequestContext
from resolvers.refusals import Conflict, Invalid, NotFound, Refused, RefusedTogether
from resolvers.texts import Text
from resolvers.transactions import Once
from schema.extending.back_end import DeclaredBackend
from schema.extending.extendable import InvalidExtension
from schema.graph.fields import DeclaredField
from schema.graph.mutations import in_organization, mutation
from schema.graph.user_errors import Payload

T = TypeVar("T", bound=type)

Make = Callable[[RequestContext, Any, "Change"], Awaitable[Any]]
"""Makes the change that an input asks for, and returns as JSON what its payload is made of."""

Answer = Callable[[RequestContext, Any, Any], Any]
"""Makes the payload of the input and of what was answered, now or to the same request before."""

NEEDED = ("organization_id", "idempotency_key")


@dataclass(slots=True)
class Change:
    """One change that somebody wants to make, in an organization where they may."""

    context: RequestContext
    backend: DeclaredBackend
    organization: OrganizationRecord
    person: UserRecord
    key: str
    calls: int = 0
    answered: int = 0
    recorded: dict[str, str | None] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)

    async def post(self, path: str, body: Any) -> Any:
        """Send JSON to the back end, once, and return what it answers.

        The header ``Idempotency-Key`` is the same whenever the same request comes again, so that the back end can
        recognize it. Of several calls, each has a key of its own.

        Raises:
            Declined: It does not accept this; `status` and `answer` say why.
            BackendUnavailable, BackendTimeout, OutcomeUnknown, UnexpectedAnswer: As every connector does.
        """
        self.calls += 1
        key = self.key if self.calls == 1 else f"{self.key}-{self.calls}"
        answer = await self.backend.post(self.context, path, body, headers={"Idempotency-Key": key})
        self.answered += 1
        return answer

    def record(self, **values: str | int | None) -> None:
        """Put values of the change into the audit log, where nothing is ever erased: no secrets, nothing personal."""
        self.recorded |= {name: str(value) if value is not None else None for name, value in values.items()}

    def forget(self, *keys: str) -> None:
        """Let what is kept for these keys count no more; that of the organization's number and id never does."""
        self.keys += keys

    def failed(self, error: Exception) -> NoReturn:
        """Raise what is true of a change that did not come to its end, of which calls may have been carried out."""
        if self.answered == 0:
            raise error
        raise OutcomeUnknown(self.backend.name, f"{type(error).__name__} after a call was carried out") from error


def declared_mutation(
    name: str,
    make: Make,
    *,
    action: str,
    input: type,
    payload: type,
    answer: Answer,
    requires: AccessRule,
    backend: DeclaredBackend,
    description: str,
    cost: int | None,
    recorded: Sequence[str],
) -> DeclaredField:
    """Return the field of Mutation.

    Raises:
        InvalidExtension: It would not be a mutation as ours are.
    """
    where, operation = f"the mutation {name}", to_camel_case(name)
    if not requires.any_of or requires.scope is not PermissionScope.ORGANIZATION:
        raise InvalidExtension(f"{where} asks for no permission in the organization of its input; write any_of(…)")
    if not (isinstance(payload, type) and issubclass(payload, Payload)):
        raise InvalidExtension(f"the payload of {where} is none; write class …Payload(Payload) with what it answers")
    known = {one.name for one in fields(input)} if hasattr(input, "__dataclass_fields__") else set()
    if missing := [one for one in NEEDED if one not in known]:
        raise InvalidExtension(
            f"the input of {where} lacks {' and '.join(missing)}; write @graph_input with organization_id: ID and "
            "idempotency_key: str | None = None"
        )

    async def method(self: Any, context: RequestContext, input: Any) -> Any:
        organization_id = OrganizationId(input.organization_id)

        async def call(key: str) -> ChangedElsewhere:
            (organization,) = await context.backends.directory.organizations([organization_id])
            assert organization is not None  # the guard has asked in it
            assert context.caller is not None
            change = Change(context, backend, organization, context.caller.user, key)
            try:
                made = await make(context, input, change)
                if unknown := change.recorded.keys() - set(recorded):
                    raise TypeError(f"{where} records {', '.join(sorted(unknown))}, for which there is no text")
                return ChangedElsewhere(orjson.loads(orjson.dumps(made)), change.recorded)
            except (Refused, RefusedTogether, Declined) as refused:
                if change.answered:
                    change.failed(refused)
                raise
            except Exception as error:
                change.failed(error)
            finally:  # however it ended: it may have been carried out
                own = [organization.id, organization.customer_number, *change.keys]
                await asyncio.shield(backend.forget(context, [one for one in own if one is not None]))

        once = Once(input.idempotency_key, operation, orjson.loads(orjson.dumps(input, default=str)))
        permitted = Permitted(action, organization_id, requires)
        said = await changed_elsewhere(context, once, permitted, call)
        answered = answer(context, input, said)
        return await answered if isinstance(answered, Awaitable) else answered

    method.__name__, method.__qualname__, method.__doc__ = name, name, description
    method.__annotations__ = {"context": RequestContext, "input": input, "return": payload | None}
    declared: DeclaredField = mutation(requires=requires, within=in_organization(), cost=cost, backend=backend.backend)(
        method
    )
    declared.python_name = name
    return declared


def graph_input(cls: T) -> T:
    """Make a class the input of a mutation; its docstring is the description."""
    return strawberry.input(cls)


def described(description: str, **default: Any) -> Any:
    """Declare a part of an input or of a payload, with ``default=`` where it may be left out."""
    return strawberry.field(description=description, **default)


def invalid(path: Sequence[str], constraint: str, **said: str) -> Invalid:
    """Return the refusal of the value at a path of the input: ``raise invalid(["subject"], "length 1..80", en="…")``.

    `said` is what helps, in every language of the portal; `constraint` is the rule that it breaks, for programs.
    """
    return Invalid(_words(said), path, constraint)


def conflict(*, path: Sequence[str] | None = None, **said: str) -> Conflict:
    """Return the refusal of what is in the way of something there is already, said in every language of the portal."""
    return Conflict(_words(said), path)


def not_found(path: Sequence[str]) -> NotFound:
    """Return the refusal of something that does not exist, or of which the caller may not know."""
    return NotFound("object", path)


def _words(said: Localized) -> Text:
    if "en" not in said:
        raise TypeError("what is said needs en, the language of last resort")
    return Text("{said}", said=said)

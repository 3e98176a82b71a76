"""How a field is declared: its function, its guard, its words. There is no other way to write one.

    orders: OrderConnection | None = field(orders_of, requires=SEE_ORDERS, description="…")

- ``field``      a relation: the function is called once with all parents and answers a list parallel to them;
- ``attribute``  a value that the record has under another name or deeper down;
- ``computed``   a value made of one record, without asking anybody;
- ``root``       a field of Query or Mutation: the function is called without a parent.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import partial
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import strawberry
from aiodataloader import DataLoader
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import has_object_definition
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from connectors import ids
from connectors.directory.records.memberships import MemberOrder
from connectors.pages import Slice
from connectors.shop.interface import OrderSort
from connectors.wanted import EVERYTHING, Wanted, needs_of, reads_of
from permissions.access_rules import OPEN, AccessRule
from resolvers.at_once import answered_by_each, known_at_once
from resolvers.context import RequestContext
from resolvers.pagination import slice_of
from resolvers.refusals import InvalidArgument
from resolvers.texts import Text
from resolvers.validation import Misread
from schema.graph import sorting
from schema.graph.answering import Answering, cut
from schema.graph.backends import Backend, BackendDirective
from schema.graph.cost_directives import CostDirective, cost_directives
from schema.graph.guards import described, directives_of
from schema.graph.scalars import DateTime, Locale

DECLARATION = "forecourt"
"""Where a strawberry field keeps its declaration, in `metadata`."""

SIZING = "forecourt sizing"
"""Where it keeps what was declared of its cost and length."""

AGAIN = "forecourt again"
"""Where it keeps what makes it again as long as it may be now, if that grows after it was declared."""

BATCH = "batch"
"""Where a GraphQL field keeps its answering object, in `extensions`; the executors look for it there."""

RECORD, READ_ONCE, READS, NEEDS = "record", "read_once", "reads", "needs"
"""Where an object type keeps of which records it is and what says so, and a field what it reads of one and of others,
likewise."""

COMMON_ARGUMENTS = {
    "first": "The maximum number of entries to return, from the beginning or from `after` on: 0 to 100. Without it and "
    "without `last`, 20.",
    "after": "The cursor after which to continue: `endCursor` of the previous page.",
    "last": "The maximum number of entries to return, from the end or from `before` backwards, 0 to 100; instead of "
    "`first`. The entries keep the order of the list.",
    "before": "The cursor to stop before: `startCursor` of the page that follows.",
    "order_by": "How to sort the list.",
    "status": "Only those with one of these statuses.",
    "locale": "The language of the text, as a BCP 47 tag such as `de`; without it, the caller's own.",
    "input": "The input.",
}
"""What arguments mean that occur everywhere; a declaration may say it more closely."""

ARGUMENT_TYPES: dict[Any, Any] = dict.fromkeys(
    (
        ids.AnyId,
        ids.UserId,
        ids.OrganizationId,
        ids.MembershipId,
        ids.GrantId,
        ids.OrderId,
        ids.InvitationId,
        ids.AccessRequestId,
        ids.JoinRequestId,
        ids.RegistrationId,
        ids.ChangeRequestId,
    ),
    strawberry.ID,
) | {datetime: DateTime}
"""The GraphQL type of an argument that resolvers know by a type of their own."""

INPUT_TYPES: Mapping[Any, Any] = {MemberOrder: sorting.MemberOrder, OrderSort: sorting.OrderSort}
"""The GraphQL inputs of arguments that resolvers know as records with the same fields."""

PAGE_ARGUMENTS = ("first", "after", "last", "before")
"""What a connection is asked for by, where its function has the parameter `page`."""

Length = int | Callable[[], int]
"""How long a list may be; a function says it of one that extensions make longer after it was declared."""

T = TypeVar("T", bound=type)


def docstring_of(element: Any) -> str:
    """Return the docstring as a description: its lines joined, its paragraphs kept."""
    text = inspect.getdoc(element) or ""
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in text.split("\n\n"))


@dataclass(frozen=True, slots=True)
class Declaration:
    """What was declared of a field; `answer_all` is called with all parents, `waits` when its answer may be awaited.

    `at_once` is called before it, and answers None where somebody has to be asked: see `resolvers.at_once`.

    `path` and `each` say how one object is answered, where nothing else is done for it: see the engine's `BatchField`.
    A field that `asks_itself` finds its guard's organization in its input; before it, only somebody signed in is asked.

    `reads` is what it reads of its parents, `needs` of records that are read once in an operation. `wants` says by the
    names of parameters of which records it learns what is wanted of them.
    """

    answer_all: Callable[..., Any]
    waits: bool
    requires: AccessRule
    backend: Backend | None = None
    organization_in: str | None = None
    asks_itself: bool = False
    at_once: Callable[..., Any] | None = None
    reads: Wanted[Any] = EVERYTHING
    needs: Mapping[type, Wanted[Any]] = dataclasses.field(default_factory=dict)
    wants: Mapping[str, type] = dataclasses.field(default_factory=dict)
    path: str | None = None
    each: Callable[[Any, Any], Any] | None = None

    def asked_by(self, changed: Callable[[Callable[..., Any]], Callable[..., Any]]) -> "Declaration":
        """Return the declaration with functions that ask its own by other arguments."""
        at_once = changed(self.at_once) if self.at_once is not None else None
        return replace(self, answer_all=changed(self.answer_all), at_once=at_once, each=None)

    @property
    def answer(self) -> Callable[..., Any]:
        """Return what answers at once where it can, and with what is to be awaited where not."""
        at_once, answer_all = self.at_once, self.answer_all
        if at_once is None:
            return answer_all

        def answer(context: RequestContext, parents: Sequence[Any], **values: Any) -> Any:
            known = at_once(context, parents, **values)
            return answer_all(context, parents, **values) if known is None else known

        return answer


@dataclass(frozen=True, slots=True)
class Sizing:
    """What was declared of a field's cost, see `schema.graph.cost_directives`, and of the length of its list."""

    cost: int | None = None
    assumed_size: int | None = None
    sliced_by: str | None = None
    argument_costs: Mapping[str, int] | None = None
    at_most: Length | None = None
    sized_fields: Sequence[str] = ()

    @property
    def now(self) -> "Sizing":
        """Return the sizing with the greatest length that there is now."""
        return replace(self, at_most=self.at_most()) if callable(self.at_most) else self

    @property
    def assumed(self) -> int | None:
        """Return how long a list is assumed to be for its cost."""
        greatest = self.at_most if self.sliced_by is None and not callable(self.at_most) else None
        return greatest if self.assumed_size is None else self.assumed_size

    def described(self, description: str) -> str:
        """Return a description with the greatest length at its end, unless arguments say the length.

        None of nothing, so that the build misses it.
        """
        if self.at_most is None or self.sliced_by is not None or not description.strip():
            return description
        return f"{description} At most {self.at_most}."

    def kept(self, declaration: "Declaration") -> "Declaration":
        """Return the declaration with its lists cut at their greatest length; a function should not read so much."""
        answer_all, at_once = declaration.answer_all, declaration.at_once
        if self.at_most is None:
            return declaration
        most = self.at_most() if callable(self.at_most) else self.at_most

        async def answer_later(*arguments: Any, **values: Any) -> Sequence[Any]:
            return cut(await answer_all(*arguments, **values), most)

        def answer_now(*arguments: Any, **values: Any) -> Sequence[Any]:
            return cut(answer_all(*arguments, **values), most)

        def answer_at_once(*arguments: Any, **values: Any) -> Sequence[Any] | None:
            assert at_once is not None
            known = at_once(*arguments, **values)
            return cut(known, most) if known is not None else None

        return replace(
            declaration,
            answer_all=answer_later if declaration.waits else answer_now,
            at_once=answer_at_once if at_once is not None else None,
            path=None,
            each=None,
        )


@dataclass(frozen=True, slots=True)
class Belonging:
    """Of which record a type is, and how to find out to which organization, and to whom, an object of it belongs.

    `when` says which records are of the type; those `read_once` are read once in an operation, wherever they occur.
    """

    organization_of: Callable[[Any], str | None] | None = None
    person_of: Callable[[Any], str | None] | None = None
    record: type | None = None
    when: Callable[[Any], bool] | None = None
    read_once: bool = False


_BELONGINGS: dict[type, Belonging] = {}
"""By the class of the GraphQL type: two of the same name are in nobody's way until they are to be in one schema."""


def belonging_of(type_: Any) -> Belonging:
    """Return of which record a type of graphql-core's is, and to whom its objects belong."""
    definition = type_.extensions.get("strawberry-definition")
    return _BELONGINGS.get(getattr(definition, "origin", NoneType), Belonging())


def graph_type(
    of: type,
    *,
    name: str | None = None,
    organization: Callable[[Any], str | None] | None = None,
    person: Callable[[Any], str | None] | None = None,
    when: Callable[[Any], bool] | None = None,
    read_once: bool = False,
    cost: int | None = None,
) -> Callable[[T], T]:
    """Make a class the GraphQL type of a record; fields without a declaration read the record's attribute of that name.

    `organization` and `person` find the id of the organization and of the person that a record belongs to, for guards.
    `when` distinguishes the records of this type from others of the same class. Those `read_once` are read once in an
    operation wherever they occur, so of each is read what the whole operation shows of such records. `cost` is what
    each object costs, 1 without it; 0 is for values that come along with the object they stand in.
    """

    def is_type_of(record: Any, _info: Any) -> bool:
        return isinstance(record, of) and (when is None or when(record))

    is_type_of.ignores_info = True  # type: ignore[attr-defined]
    is_type_of.instances_of = of  # type: ignore[attr-defined]  # the engine then looks at classes, not at objects
    is_type_of.that_are = when  # type: ignore[attr-defined]

    def decorate(cls: T) -> T:
        cls.is_type_of = staticmethod(is_type_of)  # type: ignore[attr-defined]
        _BELONGINGS[cls] = Belonging(organization, person, of, when, read_once)
        directives = () if cost is None else (CostDirective(weight=cost),)
        return strawberry.type(cls, name=name, directives=directives)

    return decorate


def field(
    function: Callable[..., Any],
    *,
    requires: AccessRule,
    description: str,
    arguments: Mapping[str, str] | None = None,
    argument_guards: Mapping[str, AccessRule] | None = None,
    backend: Backend | None = None,
    deprecation_reason: str | None = None,
    cost: int | None = None,
    argument_costs: Mapping[str, int] | None = None,
    assumed_size: int | None = None,
    sliced_by: str | None = None,
    at_most: Length | None = None,
) -> Any:
    """Declare a relation, answered for all parents at once by ``function(context, parents, **arguments)``.

    The function's keyword-only parameters are the field's arguments. It answers a list parallel to its parents; an
    Exception instead of an answer fails only that parent's field. It is async, unless it asks nobody; see
    `resolvers.at_once` for one that mostly need not ask.

    `argument_guards` are asked only when a request uses the argument, see `schema.graph.input_guards`. `cost`,
    `argument_costs`, `assumed_size` and `sliced_by` are for the estimate of what an operation costs, see
    `schema.graph.cost_directives`. A function with the parameter `page` answers the slice of a list that the arguments
    of a connection ask for; one with a parameter of the type `Wanted[…]` learns which attributes of such records the
    operation shows below the field. What it reads of its parents, `connectors.wanted.reads` declares. An async function
    costs at least 1, for it asks a back end.

    A list that is no page is never longer than `at_most`, whatever the function answers, and is described and
    estimated so; `assumed_size` is for one that is seldom as long as it may be.
    """
    return DeclaredField.of(
        Declaration(
            function,
            inspect.iscoroutinefunction(function),
            requires,
            backend,
            at_once=known_at_once(function),
            reads=reads_of(function),
            needs=needs_of(function),
            wants=_wants(function),
            each=answered_by_each(function),
        ),
        function,
        description,
        arguments,
        deprecation_reason,
        Sizing(cost, assumed_size, sliced_by, argument_costs, at_most),
        argument_guards,
    )


def root(
    function: Callable[..., Any],
    *,
    requires: AccessRule,
    description: str,
    arguments: Mapping[str, str] | None = None,
    argument_guards: Mapping[str, AccessRule] | None = None,
    organization_in: str | None = None,
    backend: Backend | None = None,
    cost: int | None = None,
    assumed_size: int | None = None,
    sliced_by: str | None = None,
    at_most: Length | None = None,
) -> Any:
    """Declare a field of Query or Mutation, answered by ``function(context, **arguments)``; async if it asks somebody.

    The guards of its arguments, and of what stands in its inputs, are asked in the organization whose id stands at
    the dotted path `organization_in` of the arguments, such as ``input.organization_id``.
    """

    at_once = known_at_once(function)

    async def answer_later(context: RequestContext, parents: Sequence[Any], **values: Any) -> Sequence[Any]:
        return [await function(context, **values)] * len(parents)

    def answer_now(context: RequestContext, parents: Sequence[Any], **values: Any) -> Sequence[Any]:
        return [function(context, **values)] * len(parents)

    def answer_at_once(context: RequestContext, parents: Sequence[Any], **values: Any) -> Sequence[Any] | None:
        assert at_once is not None
        known = at_once(context, **values)
        return [known] * len(parents) if known is not None else None

    waits = inspect.iscoroutinefunction(function)
    return DeclaredField.of(
        Declaration(
            answer_later if waits else answer_now,
            waits,
            requires,
            backend,
            organization_in,
            at_once=answer_at_once if at_once is not None else None,
            needs=needs_of(function),
            wants=_wants(function),
        ),
        function,
        description,
        arguments,
        sizing=Sizing(cost, assumed_size, sliced_by, at_most=at_most),
        argument_guards=argument_guards,
    )


def computed(
    function: Callable[..., Any],
    *,
    requires: AccessRule,
    description: str,
    arguments: Mapping[str, str] | None = None,
    cost: int | None = None,
    assumed_size: int | None = None,
    at_most: Length | None = None,
) -> Any:
    """Declare a value made of one record by ``function(context, record, **arguments)``, which asks no back end."""

    def answer_all(context: RequestContext, parents: Sequence[Any], **values: Any) -> Sequence[Any]:
        if values:
            return [function(context, parent, **values) for parent in parents]
        return [function(context, parent) for parent in parents]  # most often, and at half the cost

    return DeclaredField.of(
        Declaration(answer_all, False, requires, reads=reads_of(function), needs=needs_of(function), each=function),
        function,
        description,
        arguments,
        sizing=Sizing(cost, assumed_size, at_most=at_most),
    )


def attribute(
    path: str,
    *,
    requires: AccessRule,
    description: str,
    cost: int | None = None,
    assumed_size: int | None = None,
    at_most: Length | None = None,
) -> Any:
    """Declare a value that the record has at a dotted path, such as ``user.email``."""
    read = attrgetter(path)

    def answer_all(_context: RequestContext, parents: Sequence[Any]) -> Sequence[Any]:
        return list(map(read, parents))

    return DeclaredField.of(
        Declaration(answer_all, False, requires, reads=reads_of(read), path=path),
        None,
        description,
        sizing=Sizing(cost, assumed_size, at_most=at_most),
    )


def listed(
    *, description: str, at_most: Length, assumed_size: int | None = None, default_factory: Any = dataclasses.MISSING
) -> Any:
    """Declare a list that the record has under the field's own name; it is never longer than `at_most`."""
    sizing = Sizing(assumed_size=assumed_size, at_most=at_most).now
    again = partial(listed, description=description, at_most=at_most, assumed_size=assumed_size)
    return strawberry.field(
        default_factory=default_factory,
        description=sizing.described(description),
        directives=cost_directives([], None, sizing.assumed, None),
        metadata={SIZING: sizing, AGAIN: again if callable(at_most) else None},
    )


def as_long_as_now(field: StrawberryField) -> StrawberryField:
    """Return the field of a type with the greatest length that its list has now, as extensions may have grown it."""
    again: Callable[[], StrawberryField] | None = field.metadata.get(AGAIN)
    if again is None:
        return field
    made = again()
    made.python_name, made.origin, made.type_annotation = field.python_name, field.origin, field.type_annotation
    return made


class DeclaredField(StrawberryField):
    """A strawberry field that is answered by its declaration instead of a resolver of one object.

    On graphql-core, `get_result` collects the parents of one field of the document through a DataLoader; an executor
    that goes level by level calls `Answering.answer` itself.
    """

    @classmethod
    def of(
        cls,
        declaration: Declaration,
        function: Callable[..., Any] | None,
        description: str,
        arguments: Mapping[str, str] | None = None,
        deprecation_reason: str | None = None,
        sizing: "Sizing | None" = None,
        argument_guards: Mapping[str, AccessRule] | None = None,
        type_annotation: StrawberryAnnotation | None = None,
    ) -> "DeclaredField":
        """Return the field for a declaration; without `type_annotation`, it is annotated in its class."""
        declared_sizing = sizing or Sizing()
        again = partial(
            cls.of, declaration, function, description, arguments, deprecation_reason, sizing, argument_guards
        )
        sizing = declared_sizing.now
        if function is not None:
            declaration = _with_arguments_of(function, declaration)
        directives = directives_of(declaration.requires)
        if declaration.backend is not None:
            directives.append(BackendDirective(name=declaration.backend))
        declared_arguments = (
            _arguments_of(function, arguments or {}, argument_guards or {}, sizing.argument_costs or {})
            if function is not None
            else []
        )
        names = [argument.python_name for argument in declared_arguments]
        if instants := [one.python_name for one in declared_arguments if one.type_annotation in _INSTANTS]:
            declaration = declaration.asked_by(lambda answer_all: _with_instants(answer_all, instants))
        directives += cost_directives(names, sizing.cost, sizing.assumed, sizing.sliced_by, sizing.sized_fields)
        declared = cls(
            description=described(sizing.described(description), declaration.requires),
            metadata={
                DECLARATION: sizing.kept(declaration),
                SIZING: sizing,
                AGAIN: again if callable(declared_sizing.at_most) else None,
            },
            directives=directives,
            deprecation_reason=deprecation_reason,
            type_annotation=type_annotation,
        )
        declared.arguments = declared_arguments
        return declared

    @property
    def is_basic_field(self) -> bool:
        """A declared field is never just an attribute to strawberry."""
        return False

    @property
    def is_async(self) -> bool:
        """Whether the field's answer may have to be awaited."""
        declaration: Declaration = self.metadata[DECLARATION]
        return declaration.waits

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        """Answer the field of one object when graphql-core executes."""
        raw = info._raw_info
        answering: Answering = raw.parent_type.fields[raw.field_name].extensions[BATCH]
        context: RequestContext = raw.context
        if not answering.waits:
            answers = answering.answer_converted(context, [source], kwargs)
            return _only_later(answers) if inspect.isawaitable(answers) else _only(answers)
        if source is None:  # a root field, which has no siblings to wait for
            return _only_later(answering.answer_converted(context, [source], kwargs))
        loader_key = (id(answering), id(raw.field_nodes[0]))
        loader = context.loaders.get(loader_key)
        if loader is None:

            async def answer_all(parents: list[Any]) -> list[Any]:
                answers = answering.answer_converted(context, parents, kwargs)
                return list(await answers if inspect.isawaitable(answers) else answers)

            loader = context.loaders[loader_key] = DataLoader(answer_all, cache=False)
        return loader.load(source)


_INSTANTS = (StrawberryAnnotation(DateTime), StrawberryAnnotation(DateTime | None))


def _with_instants(answer_all: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """Return the function of a field that is asked only with arguments that could be read as instants."""

    def answer(context: RequestContext, parents: Sequence[Any], **values: Any) -> Any:
        for name in names:
            if isinstance(value := values.get(name), Misread):
                where = to_camel_case(name.removesuffix("_"))
                raise InvalidArgument(Text("`{path}`: {problem}", path=where, problem=value.problem))
        return answer_all(context, parents, **values)

    return answer


async def _only_later(answers: Any) -> Any:
    return _only(await answers if inspect.isawaitable(answers) else answers)


def _only(answers: Sequence[Any]) -> Any:
    (answer,) = answers
    if isinstance(answer, Exception):
        raise answer
    return answer


def _arguments_of(
    function: Callable[..., Any],
    descriptions: Mapping[str, str],
    guards: Mapping[str, AccessRule],
    costs: Mapping[str, int],
) -> list[StrawberryArgument]:
    hints = get_type_hints(function)
    for name in (*guards, *costs):
        if name not in hints:
            raise TypeError(f"{function.__module__}.{function.__qualname__} has no argument {name} to guard or weigh.")
    arguments: list[StrawberryArgument] = []
    parameters = list(inspect.signature(function).parameters.values())
    is_method = parameters[0].name == "self"
    for parameter in parameters[2:] if is_method else parameters:
        if not is_method and parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        if hints[parameter.name] is Slice:
            arguments += map(_page_argument, PAGE_ARGUMENTS)
            continue
        if get_origin(hints[parameter.name]) is Wanted:
            continue
        description = descriptions.get(parameter.name) or COMMON_ARGUMENTS.get(parameter.name)
        if description is None:
            raise TypeError(
                f"{function.__module__}.{function.__qualname__}: say what the argument {parameter.name} means, by "
                f'arguments={{"{parameter.name}": "…"}} in its declaration.'
            )
        default, rule = parameter.default, guards.get(parameter.name, OPEN)
        arguments.append(
            StrawberryArgument(
                python_name=parameter.name,
                # What is a word of Python, such as `from_`, is called without the line at its end.
                graphql_name=parameter.name[:-1] if parameter.name.endswith("_") else None,
                type_annotation=StrawberryAnnotation(_argument_type(parameter.name, hints[parameter.name])),
                description=described(description, rule),
                default=strawberry.UNSET if default in (inspect.Parameter.empty, None) else default,
                directives=[*directives_of(rule), *cost_directives((), costs.get(parameter.name), None, None)],
            )
        )
    return arguments


def _wants(function: Callable[..., Any]) -> dict[str, type]:
    """Return of which records a function learns what is wanted, by the names of the parameters."""
    hints = get_type_hints(function)
    return {name: get_args(hint)[0] for name, hint in hints.items() if get_origin(hint) is Wanted}


def _page_argument(name: str) -> StrawberryArgument:
    return StrawberryArgument(
        python_name=name,
        graphql_name=None,
        type_annotation=StrawberryAnnotation((int if name in ("first", "last") else str) | None),
        description=COMMON_ARGUMENTS[name],
        default=strawberry.UNSET,
    )


def _with_arguments_of(function: Callable[..., Any], declaration: Declaration) -> Declaration:
    """Return the declaration with what its function is asked by instead of the GraphQL arguments that say it."""
    hints = get_type_hints(function)
    inputs = {name: of for name, hint in hints.items() for of in (hint, *get_args(hint)) if of in INPUT_TYPES}
    is_paged = hints.get("page") is Slice
    if not is_paged and not inputs:
        return declaration

    def known(values: dict[str, Any]) -> dict[str, Any]:
        if is_paged:
            taken = values.pop
            values["page"] = slice_of(
                taken("first", None), taken("after", None), taken("last", None), taken("before", None)
            )
        for name, of in inputs.items():
            if values.get(name) is not None:
                values[name] = of(**vars(values[name]))
        return values

    return declaration.asked_by(
        lambda answer_all: lambda context, parents, **values: answer_all(context, parents, **known(values))
    )


def _argument_type(name: str, hint: Any) -> Any:
    if hint in ARGUMENT_TYPES:
        return ARGUMENT_TYPES[hint]
    if hint in INPUT_TYPES:
        return INPUT_TYPES[hint]
    if hint is str and name == "locale":
        return Locale
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        optional = [_argument_type(name, part) for part in inner if part is not NoneType]
        return optional[0] | None if len(optional) == 1 else Union[(*optional, NoneType)]
    if origin is not None and issubclass(origin, Sequence):
        return list[_argument_type(name, inner[0])]  # type: ignore[misc]
    if isinstance(hint, type) and (issubclass(hint, (str, int, bool, float, Enum)) or has_object_definition(hint)):
        return hint
    raise TypeError(f"The argument {name} has the type {hint!r}, which has no GraphQL type; add it to ARGUMENT_TYPES.")

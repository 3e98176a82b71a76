"""The whole schema, made of the parts and checked: what could leak or break an answer does not start."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import strawberry
from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
)
from strawberry.exceptions import DuplicatedTypeName
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import convert_arguments
from strawberry.types.base import StrawberryObjectDefinition, StrawberryOptional
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

import schema.graph.enums  # describes the enums before anything is built of them
from connectors.wanted import EVERYTHING, NOTHING, Wanted, reads_of
from permissions.access_rules import OPEN
from permissions.vocabulary import PermissionScope
from resolvers.refusals import Coordinate
from schema.access import AccessMutations, AccessQueries
from schema.access_requests.mutations import AccessRequestMutations
from schema.account.mutations import OwnAccountMutations
from schema.account.passwords import PasswordMutations
from schema.account.profile import ProfileMutations
from schema.change_requests import ChangeRequestMutations, ChangeRequestQueries
from schema.graph.additions import SchemaAddition
from schema.graph.answering import Answering, cut
from schema.graph.clashes import Sourced, reserved_names, same_names, same_type
from schema.graph.common_inputs import FIELDS
from schema.graph.cost_directives import CostDirective, bind_cost, cost_of
from schema.graph.fields import (
    BATCH,
    DECLARATION,
    NEEDS,
    READ_ONCE,
    READS,
    RECORD,
    SIZING,
    Belonging,
    Declaration,
    DeclaredField,
    as_long_as_now,
    belonging_of,
    docstring_of,
)
from schema.graph.guards import Guard
from schema.graph.input_guards import GuardedAnswering, input_guards, input_problems
from schema.graph.scalars import SCALARS
from schema.graph.user_errors import USER_ERRORS
from schema.invitations.acceptance import InvitationQueries, InvitedMutations
from schema.invitations.mutations import InvitingMutations
from schema.join_requests import JoinRequestMutations
from schema.launcher import ApplicationCategory, ApplicationQueries
from schema.mail import MailLinkQueries
from schema.members.mutations import MemberMutations
from schema.members.types import DirectGrant, RoleGrant
from schema.nodes import NodeQueries
from schema.organizations.mutations import OrganizationMutations
from schema.organizations.types import OrganizationQueries
from schema.portal import PortalQueries
from schema.registrations.mutations import RegisteringMutations
from schema.registrations.review import RegistrationReviewMutations
from schema.registrations.types import RegistrationQueries
from schema.roles import RoleQueries
from schema.sessions import SessionMutations
from schema.viewer import ViewerQueries


class InvalidSchema(Exception):
    """The schema breaks a rule of the house; the message names every field that does, and what to write."""


@strawberry.type
class Query(
    ViewerQueries,
    OrganizationQueries,
    ChangeRequestQueries,
    NodeQueries,
    RoleQueries,
    ApplicationQueries,
    AccessQueries,
    InvitationQueries,
    MailLinkQueries,
    RegistrationQueries,
    PortalQueries,
):
    """The queries."""


@strawberry.type
class Mutation(
    SessionMutations,
    ProfileMutations,
    OrganizationMutations,
    ChangeRequestMutations,
    PasswordMutations,
    OwnAccountMutations,
    AccessMutations,
    MemberMutations,
    AccessRequestMutations,
    InvitingMutations,
    InvitedMutations,
    RegisteringMutations,
    RegistrationReviewMutations,
    JoinRequestMutations,
):
    """The mutations."""


class Schema(strawberry.Schema):
    """Strawberry's schema, with what extensions add, in which no name stands for two; errors are logged by the gateway.

    Raises:
        InvalidSchema: Two types, or two fields of a type, have the same name.
    """

    def __init__(self, *, additions: Sequence[SchemaAddition] = (), types: Sequence[Any] = (), **parts: Any) -> None:
        self._additions = additions
        self._clashes: dict[str, None] = {}
        try:
            super().__init__(types=[*types, *(type_ for one in additions for type_ in one.types)], **parts)
        except DuplicatedTypeName as duplicated:
            raise InvalidSchema(same_type(duplicated)) from duplicated
        if self._clashes:
            raise InvalidSchema("\n".join(self._clashes))

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        """Return the fields of a type, as strawberry asks for them while it builds."""
        fields: list[Sourced] = [(as_long_as_now(field), None) for field in type_definition.fields]
        for addition in self._additions:
            fields += [(field, addition.source) for field in addition.fields.get(type_definition.name, ())]
        self._clashes |= dict.fromkeys(same_names(type_definition, fields, self.config.name_converter.from_field))
        return [field for field, _ in fields]

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Leave the errors to the gateway."""


def build_schema(
    *,
    query: type = Query,
    mutation: type | None = Mutation,
    suggestions: bool = True,
    additions: Sequence[SchemaAddition] = (),
) -> Schema:
    """Return the schema, ready to execute, with every field bound to its guard, and with what extensions add.

    Raises:
        InvalidSchema: A field breaks a rule of the house, see `check`, or a name is somebody else's.
    """
    schema.graph.enums.take_in_extensions()
    built = Schema(
        query=query,
        mutation=mutation,
        types=[
            RoleGrant,
            DirectGrant,
            ApplicationCategory,
            *USER_ERRORS,
        ],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=not suggestions),
        additions=additions,
    )
    _describe(core_schema(built))
    check(core_schema(built), names=reserved_names(core_schema(built)) if additions else ())
    _bind(built)
    return built


def core_schema(built: Schema) -> GraphQLSchema:
    """Return graphql-core's schema inside strawberry's."""
    return built._schema


def printed(built: Schema) -> str:
    """Return the schema in GraphQL's schema definition language, directives included, ending with a newline."""
    return print_schema(built).rstrip() + "\n"


def _describe(core: GraphQLSchema) -> None:
    """Let the docstring of a class be the description of its type, input or directive; and describe common fields."""
    elements: list[Any] = [*core.type_map.values(), *core.directives]
    for element in elements:
        origin = getattr(element.extensions.get("strawberry-definition"), "origin", None)
        if element.description is not None or origin is None:
            continue
        text = docstring_of(origin)
        if not text.startswith(f"{origin.__name__}("):  # what a dataclass without a docstring says of itself
            element.description = text
    for type_ in core.type_map.values():
        for it in type_.fields.values() if isinstance(type_, GraphQLInputObjectType) else ():
            it.description = it.description or FIELDS.get(it.extensions["strawberry-definition"].python_name)


def check(core: GraphQLSchema, names: Sequence[str] = ()) -> None:
    """Return when every field keeps the rules of the house; `names` are problems that were found already.

    A guarded field and a field filled by a back end can be null, so that a refusal or a failure never destroys the
    rest of the answer; whoever computes or fetches something declares its guard, or that it is open; a permission in
    an organization is asked only of types that know theirs; what is guarded in the input is no default and makes its
    field nullable; everything is described.

    Raises:
        InvalidSchema: Naming every field that does not.
    """
    problems = [*names]
    problems += [problem for type_, name, field in _fields(core) for problem in _problems(type_, name, field)]
    problems += [
        f"{type_.name} has no description."
        for type_ in core.type_map.values()
        if not type_.name.startswith("__") and _is_undescribed(type_)
    ]
    problems += [
        f"{coordinate} has no description." for coordinate, part in _inner_parts(core) if _is_undescribed(part)
    ]
    if problems:
        raise InvalidSchema("\n".join(problems))


def _is_undescribed(part: Any) -> bool:
    return not (part.description or "").strip()


def _problems(type_: Any, name: str, field: Any) -> list[str]:
    type_name = type_.name
    coordinate = f"{type_name}.{name}"
    definition = field.extensions.get("strawberry-definition")
    problems = []
    if _is_undescribed(field):
        problems.append(f"{coordinate} has no description.")
    problems += [
        f"{coordinate}({argument}:) has no description." for argument, it in field.args.items() if _is_undescribed(it)
    ]
    if not isinstance(definition, DeclaredField):
        if definition is not None and not definition.is_basic_field:
            problems.append(
                f"{coordinate} has a resolver without a guard; declare it by field, computed or root, with requires=."
            )
        return problems
    declaration: Declaration = definition.metadata[DECLARATION]
    if isinstance(field.type, GraphQLNonNull) and (declaration.requires.signed_in or declaration.backend):
        problems.append(f"{coordinate} is guarded or filled by a back end, so it must be nullable; write `… | None`.")
    belonging = belonging_of(type_)
    if (
        declaration.requires.any_of
        and declaration.requires.scope is PermissionScope.ORGANIZATION
        and not belonging.organization_of
        and not declaration.asks_itself
    ):
        problems.append(
            f"{coordinate} asks for a permission, but {type_name} does not say its organization; add organization=."
        )
    if type_name == "Mutation" and isinstance(payload := get_named_type(field.type), GraphQLObjectType):
        problems += [
            f"{payload}.{name} says nothing when a mutation is refused; write `… | None`, a list or a bool."
            for name, it in payload.fields.items()
            if isinstance(it.type, GraphQLNonNull) and not isinstance(it.type.of_type, GraphQLList)
            if get_named_type(it.type) is not GraphQLBoolean
        ]
    if declaration.requires.or_self and not belonging.person_of:
        problems.append(
            f"{coordinate} lets the person concerned pass, but {type_name} does not say who that is; add person=."
        )
    return problems + input_problems(Coordinate(type_name, name), field, belonging)


def _weigh(definition: DeclaredField, named: Any) -> None:
    """Let a field that asks a back end cost 1 where what it answers costs nothing; the printed schema says so too."""
    declaration: Declaration = definition.metadata[DECLARATION]
    answer = cost_of(named).weight
    costs = answer > 0 if answer is not None else is_composite_type(named)
    if declaration.waits and not costs and not any(isinstance(it, CostDirective) for it in definition.directives):
        definition.directives = [*definition.directives, CostDirective(weight=1)]


def _bind(built: Schema) -> None:
    """Give each field its cost, and each declared one its answering object, where those who ask look for them."""
    for type_ in core_schema(built).type_map.values():
        bind_cost(type_, _directives_of(type_))
        _bind_record(type_)
    for type_, name, field in _fields(core_schema(built)):
        definition = field.extensions.get("strawberry-definition")
        if isinstance(definition, DeclaredField) and type_ is not core_schema(built).mutation_type:
            _weigh(definition, get_named_type(field.type))
        bind_cost(
            field,
            _directives_of(field),
            to_camel_case,
            {name: _directives_of(argument) for name, argument in field.args.items()},
        )
        belonging = belonging_of(type_)
        if not isinstance(definition, DeclaredField):
            if definition is not None and (record := belonging.record) is not None:
                field.extensions[READS] = _read_by_name(record, definition.python_name)
            if definition is not None and SIZING in definition.metadata:
                _keep_short(field, definition, Coordinate(type_.name, name))
            continue
        declaration: Declaration = definition.metadata[DECLARATION]
        asked = declaration.requires.without_permissions if declaration.asks_itself else declaration.requires
        guard = Guard(asked, Coordinate(type_.name, name), belonging.organization_of, belonging.person_of)
        inputs = input_guards(Coordinate(type_.name, name), field, belonging)
        field.extensions[READS] = declaration.reads | _read_by_guards(guard, belonging, inputs is not None)
        field.extensions[NEEDS] = declaration.needs
        answering = declaration.answer, declaration.waits, _converter(built, definition), declaration.wants
        if inputs is not None:
            field.extensions[BATCH] = GuardedAnswering(guard, *answering, inputs=inputs)
        elif guard.is_open:
            field.extensions[BATCH] = Answering(
                guard, *answering, path=declaration.path, each=declaration.each, is_open=True
            )
        else:  # what is guarded is asked for all objects at once, its guard first
            field.extensions[BATCH] = Answering(guard, *answering)


def _bind_record(type_: Any) -> None:
    """Say of a type which records it is of, where the engine looks for what an operation shows of them."""
    belonging = belonging_of(type_)
    if belonging.record is not None and isinstance(type_, GraphQLObjectType):
        type_.extensions[RECORD] = belonging.record
        type_.extensions[READ_ONCE] = belonging.read_once
        type_.extensions[READS] = reads_of(belonging.when) if belonging.when is not None else NOTHING


def _read_by_name(record: type, name: str) -> Wanted[Any]:
    return Wanted.of(record, attrgetter(name)) if hasattr(record, name) else EVERYTHING


def _read_by_guards(guard: Guard, belonging: Belonging, guards_inputs: bool) -> Wanted[Any]:
    """Return what the guards of a field and of its inputs read of a record."""
    asks = guard.rule.any_of and guard.rule.scope is PermissionScope.ORGANIZATION
    of_organization = reads_of(belonging.organization_of) if asks or guards_inputs else NOTHING
    of_person = reads_of(belonging.person_of) if guard.rule.or_self else NOTHING
    return of_organization | of_person


def _keep_short(field: GraphQLField, definition: StrawberryField, coordinate: Coordinate) -> None:
    """Let both executors answer a list that is an attribute no longer than was declared."""
    most: int = definition.metadata[SIZING].at_most
    read, resolve = attrgetter(definition.python_name), field.resolve
    assert resolve is not None  # strawberry gives each field one

    def resolve_shortly(source: Any, info: Any, **arguments: Any) -> Any:
        return cut([resolve(source, info, **arguments)], most)[0]

    def answer_all(_context: Any, parents: Sequence[Any]) -> Sequence[Any]:
        return cut(list(map(read, parents)), most)

    field.resolve = resolve_shortly
    field.extensions[BATCH] = Answering(Guard(OPEN, coordinate, None, None), answer_all, False, is_open=True)


def _converter(built: Schema, definition: DeclaredField) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
    if not definition.arguments:
        return None
    converter = built.schema_converter
    # What graphql-core has coerced already only needs its name in Python; strawberry would look at each value again.
    coerced = {
        converter.config.name_converter.get_graphql_name(argument): argument.python_name
        for argument in definition.arguments
        if _is_scalar(argument.type)
    }

    def convert(arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments.keys() <= coerced.keys():
            return {coerced[name]: value for name, value in arguments.items()}
        return convert_arguments(
            arguments,
            definition.arguments,
            scalar_registry=converter.scalar_registry,
            config=converter.config,
            info=None,
        )

    return convert


def _directives_of(part: Any) -> Sequence[object]:
    return getattr(part.extensions.get("strawberry-definition"), "directives", None) or ()


def _is_scalar(type_: Any) -> bool:
    if type(type_) is StrawberryOptional:
        type_ = type_.of_type
    return type_ in (str, int, float, bool, strawberry.ID) or type_ in SCALARS


def _inner_parts(core: GraphQLSchema) -> Any:
    """Return the fields of inputs and the values of enums, each with its coordinate."""
    return [
        (f"{type_.name}.{name}", part)
        for type_ in core.type_map.values()
        if not type_.name.startswith("__")
        for name, part in (
            type_.fields.items()
            if isinstance(type_, GraphQLInputObjectType)
            else type_.values.items()
            if isinstance(type_, GraphQLEnumType)
            else ()
        )
    ]


def _fields(core: GraphQLSchema) -> Any:
    return [
        (type_, name, field)
        for type_ in core.type_map.values()
        if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
    ]

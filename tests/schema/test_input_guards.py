"""Arguments, input fields and values of enums are guarded where a request uses them, and only there."""

from typing import Any

import pytest
import strawberry
from hypothesis import given
from hypothesis import strategies as st

from permissions.access_rules import AUTHENTICATED, OPEN, any_of
from permissions.vocabulary import Permission
from resolvers.refusals import NotPermitted, NotSignedIn
from schema.graph.build import InvalidSchema, Schema, printed
from schema.graph.fields import field as declared
from schema.graph.fields import root
from schema.graph.input_guards import GuardedAnswering, input_field
from tests.examples import examples
from tests.schema.guarded_inputs import (
    EXECUTORS,
    ME,
    Caller,
    Colour,
    small_schema,
    things_of,
)

NOTHING: dict[str, list[Permission]] = {"org_a": [], "org_b": []}


@pytest.fixture(params=list(EXECUTORS))
def schema(request: pytest.FixtureRequest) -> Schema:
    """The small graph, on each executor."""
    return SCHEMAS[request.param]


SCHEMAS = {executor: small_schema(executor) for executor in EXECUTORS}


def things(arguments: str, variables: str = "") -> str:
    """A query for the things of two organizations."""
    return f'query Q{variables} {{ organizations(ids: ["org_a", "org_b"]) {{ id things{arguments} }} }}'


def refused(result: Any) -> list[tuple[str, str | None]]:
    """The coordinate and the organization of every refusal, by path of the answer."""
    for error in result.errors or []:
        assert isinstance(error.original_error, NotPermitted), error
    causes = [error.original_error for error in result.errors or []]
    return sorted({(str(cause.coordinate), cause.organization_id) for cause in causes}, key=str)


@pytest.mark.parametrize(
    ("arguments", "variables", "coordinate"),
    [
        ('(owner: "usr_2")', {}, "Team.things(owner:)"),
        ("(owner: null)", {}, "Team.things(owner:)"),
        ("(owner: $v)", {"v": "usr_2"}, "Team.things(owner:)"),
        ("(owner: $v)", {"v": None}, "Team.things(owner:)"),
        ("(colours: [BLUE, RED])", {}, "Colour.RED"),
        ("(colours: RED)", {}, "Colour.RED"),
        ("(colours: $v)", {"v": ["RED"]}, "Colour.RED"),
        ("(colours: [BLUE, $v])", {"v": "RED"}, "Colour.RED"),
        ("(filter: {colour: RED})", {}, "Colour.RED"),
        ("(filter: {either: [{colour: BLUE}, {colour: RED}]})", {}, "Colour.RED"),
        ('(filter: {note: "n"})', {}, "ThingFilter.note"),
        ("(filter: {note: null})", {}, "ThingFilter.note"),
        ("(filter: {note: $v})", {"v": "n"}, "ThingFilter.note"),
        ("(filter: $v)", {"v": {"within": {"within": {"note": "n"}}}}, "ThingFilter.note"),
        ('(filter: {either: {within: {note: "n"}}})', {}, "ThingFilter.note"),
    ],
)
async def test_what_is_guarded_and_used_refuses_the_field_before_its_function_is_called(
    schema: Schema, arguments: str, variables: dict[str, Any], coordinate: str
) -> None:
    caller = Caller(NOTHING)

    result = await caller.asks(schema, things(arguments, declaration_of(arguments)), **variables)

    assert result.data == {"organizations": [{"id": "org_a", "things": None}, {"id": "org_b", "things": None}]}
    assert refused(result) == [(coordinate, "org_a"), (coordinate, "org_b")]
    assert caller.asked == []


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        ("", {}),
        ("(first: 20)", {}),
        ("(colours: [BLUE])", {}),
        ("(colours: null)", {}),
        ("(colours: [])", {}),
        ("(filter: null)", {}),
        ("(filter: {})", {}),
        ("(filter: {colour: BLUE, within: null, either: [{}]})", {}),
        ("(owner: $v)", {}),
        ("(filter: {note: $v})", {}),
        (f'(owner: "{ME}")', {}),
        ("(owner: $v)", {"v": ME}),
    ],
)
async def test_what_is_not_used_is_not_asked(schema: Schema, arguments: str, variables: dict[str, Any]) -> None:
    """A variable without a value provides nothing; one's own id is or-self."""
    caller = Caller(NOTHING)

    result = await caller.asks(schema, things(arguments, declaration_of(arguments)), **variables)

    assert result.errors is None
    assert caller.asked == ["org_a", "org_b"]


async def test_the_default_of_a_variable_is_used(schema: Schema) -> None:
    caller = Caller(NOTHING)

    result = await caller.asks(schema, things("(owner: $v)", '($v: ID = "usr_2")'))

    assert refused(result) == [("Team.things(owner:)", "org_a"), ("Team.things(owner:)", "org_b")]


async def test_a_permission_in_one_organization_opens_the_argument_only_there(schema: Schema) -> None:
    caller = Caller({"org_a": [Permission.MEMBER_VIEW], "org_b": []})

    result = await caller.asks(schema, things('(owner: "usr_2")'))

    assert result.data == {"organizations": [{"id": "org_a", "things": 20}, {"id": "org_b", "things": None}]}
    assert refused(result) == [("Team.things(owner:)", "org_b")]
    assert caller.asked == ["org_a"]


async def test_all_that_is_used_has_to_be_permitted(schema: Schema) -> None:
    caller = Caller({"org_a": [Permission.MEMBER_VIEW, Permission.ORDER_VIEW], "org_b": [Permission.MEMBER_VIEW]})

    result = await caller.asks(schema, things('(owner: "usr_2", filter: {note: "n"})'))

    assert refused(result) == [("ThingFilter.note", "org_b")]
    assert caller.asked == ["org_a"]


async def test_what_the_vendor_has_to_hold_is_asked_of_the_vendors_staff(schema: Schema) -> None:
    query = things("(filter: {reviewed: true})")
    member, staff = Caller({"org_a": list(Permission)}), Caller({}, (Permission.REGISTRATION_REVIEW,))

    assert refused(await member.asks(schema, query)) == [("ThingFilter.reviewed", None)]
    assert (await staff.asks(schema, query)).errors is None


async def test_a_stranger_is_asked_to_sign_in(schema: Schema) -> None:
    result = await Caller().asks(schema, things('(owner: "usr_2")'))

    assert {type(error.original_error) for error in result.errors or []} == {NotSignedIn}


@pytest.mark.parametrize(
    ("organization", "colour", "coordinate"),
    [("org_a", "RED", None), ("org_b", "RED", "Colour.RED"), ("org_x", "RED", "Colour.RED"), ("org_b", "BLUE", None)],
)
async def test_a_mutation_reads_the_organization_from_its_input_and_does_nothing_when_refused(
    schema: Schema, organization: str, colour: str, coordinate: str | None
) -> None:
    caller = Caller({"org_a": [Permission.AUDIT_VIEW], "org_b": [Permission.MEMBER_VIEW]})

    result = await caller.asks(
        schema,
        "mutation M($input: PaintInput!) { paint(input: $input) }",
        input={"organizationId": organization, "colour": colour},
    )

    if coordinate is None:
        assert result.data == {"paint": colour.lower()}
    else:
        assert result.data == {"paint": None}
        assert refused(result) == [(coordinate, organization)]
    assert caller.asked == ([] if coordinate else [organization])


async def test_a_dry_run_lets_nobody_do_what_an_input_of_a_mutation_is_refused_for(schema: Schema) -> None:
    """A refused query is answered in a dry run, and noted."""
    caller = Caller(NOTHING, is_dry_run=True)

    query = await caller.asks(schema, things("(colours: [RED])"))
    asked = list(caller.asked)
    command = await caller.asks(schema, 'mutation { paint(input: {organizationId: "org_a", colour: RED}) }')

    assert (query.errors, asked) == (None, ["org_a", "org_b"])
    assert (command.data, refused(command), caller.asked) == ({"paint": None}, [("Colour.RED", "org_a")], [])


def test_fields_without_guarded_inputs_pay_nothing_for_them() -> None:
    fields = SCHEMAS["breadth-first"]._schema.type_map
    guarded = {
        f"{name}.{key}"
        for name, type_ in fields.items()
        for key, field in (getattr(type_, "fields", None) or {}).items()
        if isinstance(field.extensions.get("batch"), GuardedAnswering)
    }

    assert guarded == {"Team.things", "Mutation.paint", "Organization.orders"}


def test_the_printed_schema_shows_the_guards_and_the_descriptions_say_them() -> None:
    text = printed(SCHEMAS["breadth-first"])

    rule = "@requiresPermission(anyOf: [{}], scope: {}, orSelf: {})"
    assert f"owner: ID {rule.format('MEMBER_VIEW', 'ORGANIZATION', 'true')}" in text
    assert f"  RED {rule.format('AUDIT_VIEW', 'ORGANIZATION', 'false')}" in text
    assert f"  note: String {rule.format('ORDER_VIEW', 'ORGANIZATION', 'false')}" in text
    assert f"  reviewed: Boolean {rule.format('REGISTRATION_REVIEW', 'VENDOR', 'false')}" in text
    assert "on FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE" in text
    assert "Needs MEMBER_VIEW in the organization, or to be the person concerned." in text
    assert "Needs REGISTRATION_REVIEW as vendor staff." in text


FILTERS = st.recursive(
    st.fixed_dictionaries(
        {}, optional={"colour": st.sampled_from([None, "BLUE", "RED"]), "note": st.none() | st.just("n")}
    ),
    lambda inner: st.fixed_dictionaries(
        {}, optional={"within": st.none() | inner, "either": st.none() | st.lists(inner, max_size=2)}
    ),
    max_leaves=4,
)
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "owner": st.sampled_from([None, "usr_2", ME]),
        "colours": st.none() | st.lists(st.sampled_from(["BLUE", "RED"]), max_size=2),
        "filter": st.none() | FILTERS,
    },
)


@pytest.mark.parametrize("executor", list(EXECUTORS))
@given(
    arguments=ARGUMENTS,
    by_variable=st.sets(st.sampled_from(["owner", "colours", "filter"])),
    held=st.sets(st.sampled_from([Permission.MEMBER_VIEW, Permission.ORDER_VIEW, Permission.AUDIT_VIEW])),
)
@examples(60)
async def test_a_literal_and_a_variable_are_refused_alike_exactly_when_something_guarded_is_in_them(
    executor: str, arguments: dict[str, Any], by_variable: set[str], held: set[Permission]
) -> None:
    """Compared with a look at the plain JSON of the arguments."""
    caller = Caller({"org_a": list(held), "org_b": list(held)})
    needed = {
        *({Permission.MEMBER_VIEW} if arguments.get("owner", ME) != ME else ()),
        *({Permission.AUDIT_VIEW} if "RED" in str(arguments) else ()),
        *({Permission.ORDER_VIEW} if "'note'" in str(arguments) else ()),
    }
    types = {"owner": "ID", "colours": "[Colour!]", "filter": "ThingFilter"}
    variables = {name: value for name, value in arguments.items() if name in by_variable}
    given_arguments = ", ".join(
        f"{name}: ${name}" if name in variables else f"{name}: {literal(value)}" for name, value in arguments.items()
    )
    declared_variables = ", ".join(f"${name}: {types[name]}" for name in variables)

    result = await caller.asks(
        SCHEMAS[executor],
        things(f"({given_arguments})" if arguments else "", f"({declared_variables})" if variables else ""),
        **variables,
    )

    assert bool(result.errors) == (not needed <= held)
    assert caller.asked == ([] if result.errors else ["org_a", "org_b"])


async def _nothing(_context: Any, *, owner: str | None = None) -> None:
    return None


async def _coloured(_context: Any, *, colour: Colour = Colour.RED) -> None:
    return None


@strawberry.input
class DefaultedInput:
    """One of which a field has a default."""

    note: str | None = input_field(requires=any_of(Permission.ORDER_VIEW), default=None, description="A note.")


async def _takes(_context: Any, *, input: DefaultedInput) -> None:
    return None


OWNER = {"arguments": {"owner": "Whose."}, "argument_guards": {"owner": any_of(Permission.MEMBER_VIEW)}}


@pytest.mark.parametrize(
    ("field", "annotation", "problem"),
    [
        (
            lambda: root(_nothing, requires=OPEN, description="Something.", **OWNER),
            int | None,
            "Query.it(owner:) asks for a permission, but Query.it does not say in which organization; add "
            "organization= to Query, or organization_in= to a field at the root.",
        ),
        (
            lambda: root(_nothing, requires=OPEN, description="Something.", organization_in="owner.id", **OWNER),
            int | None,
            "Query.it reads its organization from owner.id, which its arguments do not have.",
        ),
        (
            lambda: root(_nothing, requires=OPEN, description="Something.", organization_in="owner", **OWNER),
            int,
            "Query.it has guarded inputs, so it must be nullable; write `… | None`.",
        ),
        (
            lambda: root(
                _coloured,
                requires=AUTHENTICATED,
                description="Something.",
                arguments={"colour": "Which."},
                organization_in="colour",
            ),
            int | None,
            "Query.it uses Colour.RED in a default, so every request would use it; take it away.",
        ),
        (
            lambda: root(_takes, requires=OPEN, description="Something.", organization_in="input.note"),
            int | None,
            "DefaultedInput.note is guarded and has a default, so every request would use it; take it away.",
        ),
    ],
)
def test_a_guard_that_could_not_work_is_refused_when_the_schema_is_built(
    field: Any, annotation: Any, problem: str
) -> None:
    query = type("Query", (), {"__annotations__": {"it": annotation}, "it": field(), "__doc__": "What may be asked."})

    with pytest.raises(InvalidSchema) as refusal:
        small_schema("breadth-first", strawberry.type(query, description="What may be asked."), None)

    assert problem in str(refusal.value).splitlines()


def test_a_guard_on_an_argument_that_is_not_there_is_refused_at_its_declaration() -> None:
    with pytest.raises(TypeError, match="has no argument ovner to guard"):
        declared(
            things_of,
            requires=OPEN,
            description="Things.",
            arguments={"owner": "Of this person.", "colours": "Of these colours.", "filter": "Like this."},
            argument_guards={"ovner": any_of(Permission.MEMBER_VIEW)},
        )


def declaration_of(arguments: str) -> str:
    """The declaration of the variable `v`, if it is used."""
    if "$v" not in arguments:
        return ""
    if arguments == "(colours: $v)":
        return "($v: [Colour!])"
    if "colours" in arguments:
        return "($v: Colour!)"
    if arguments == "(filter: $v)":
        return "($v: ThingFilter)"
    return "($v: String)" if "note" in arguments else "($v: ID)"


def literal(value: Any) -> str:
    """A value as GraphQL writes it."""
    match value:
        case None:
            return "null"
        case dict():
            return "{" + ", ".join(f"{key}: {literal(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
        case "BLUE" | "RED":
            return str(value)
    return f'"{value}"'

"""Every set of roles and rights over every guarded part of the schema, in the running gateway, against `table.py`."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest
from graphql import GraphQLSchema, get_named_type, is_composite_type

from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.ids import GrantId, MembershipId, OrganizationId, UserId
from connectors.values import AccountKind
from gateway.profile_files import load_profile
from permissions.policy import Policy, parse_policy
from permissions.sheet import Holder, Part, PartKind, holders_under
from permissions.vocabulary import PermissionScope
from schema.graph.coordinates import parts_of
from tests.permissions.table import ARGUMENTS, BY_RIGHT, COMMANDS, EVERYBODY, OWN_WAYS, SIGNED_IN, TESTED_IN, WAYS
from tests.portal import NOW, Answer, Portal, open_portal
from tests.schemas import shared_core

CORE: GraphQLSchema = shared_core()
PARTS = parts_of(CORE)
GUARDED = [part for part in PARTS if part.needs]
LIMITS = {"max_aliases": 1_000, "max_cost": 100_000, "max_depth": 20, "max_root_fields": 1_000}
HERE, ELSEWHERE = OrganizationId("org_matrix"), OrganizationId("org_elsewhere")
ADMINISTRATOR = UserId("usr_matrixadministrator")

Held = tuple[str, ...]


def policy_of(profile_name: str) -> Policy:
    profile = load_profile(profile_name)
    return parse_policy(profile.policy_text, profile.policy_source)


def subsets_of(profile_name: str) -> list[Held]:
    """Every set of roles of the solar terminal; every role, direct permission and pair of the software house."""
    policy = policy_of(profile_name)
    if profile_name == "solar_terminal":
        return [held for size in range(len(policy.roles) + 1) for held in combinations(policy.roles, size)]
    rights = [right.value for right in policy.direct_permissions]
    pairs = [("authorised_person", *some) for size in range(3) for some in combinations(rights, size)]
    return [(), *((role,) for role in policy.roles if role != "authorised_person"), *pairs]


CASES = [(profile, held) for profile in ("solar_terminal", "software_house") for held in subsets_of(profile)]


def test_the_cases_are_the_sixteen_sets_of_roles_and_every_direct_permission_and_pair_of_them() -> None:
    assert [len(subsets_of(profile)) for profile in ("solar_terminal", "software_house")] == [16, 19]


def test_every_field_with_a_resolver_and_every_guarded_part_is_in_the_table_once() -> None:
    wanted = {part.coordinate for part in PARTS if part.has_resolver or part.needs}
    lists = [EVERYBODY, SIGNED_IN, BY_RIGHT.keys()]
    listed = [coordinate for one in lists for coordinate in one]

    assert sorted(wanted - set(listed)) == [], "add these to tests/permissions/table.py"
    assert sorted(set(listed) - wanted) == [], "these are no longer in the schema"
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("profile", ["solar_terminal", "software_house"])
@pytest.mark.parametrize(
    "part", [part for part in PARTS if part.has_resolver or part.needs], ids=lambda p: p.coordinate
)
def test_the_sheet_says_of_each_part_what_the_table_says(profile: str, part: Part) -> None:
    for holder in holders_under(policy_of(profile)):
        assert holder.access_to(part).value == expected_access(profile, part.coordinate, holder), holder.name


def expected_access(profile: str, coordinate: str, holder: Holder) -> str:
    if coordinate in EVERYBODY:
        return "yes"
    if not holder.signed_in:
        return "no"
    if coordinate in SIGNED_IN:
        return "yes"
    row = BY_RIGHT.get(coordinate)
    assert row is not None, f"add {coordinate} to tests/permissions/table.py"
    return "yes" if holder.name in getattr(row, profile) else "own" if row.own else "no"


@dataclass(frozen=True)
class Use:
    """A guarded part in a query: under which name it is asked for, and on what is one's own or a colleague's."""

    part: Part
    name: str
    is_own: bool

    @property
    def field(self) -> str:
        """The coordinate of the field in which it stands."""
        return self.part.coordinate.partition("(")[0]

    def is_open_to(self, profile: str, held: Held) -> bool:
        """Whether the table opens it."""
        return all(self._is_open(profile, held, one) for one in (self.field, self.part.coordinate))

    def refused_at(self, profile: str, held: Held) -> str:
        """The coordinate that the refusal names: what the field asks is asked first."""
        return self.part.coordinate if self._is_open(profile, held, self.field) else self.field

    def _is_open(self, profile: str, held: Held, coordinate: str) -> bool:
        if coordinate in SIGNED_IN or coordinate in EVERYBODY:
            return True
        row = BY_RIGHT.get(coordinate)
        assert row is not None, f"add {coordinate} to tests/permissions/table.py"
        return bool(getattr(row, profile).intersection(held)) or (self.is_own and row.own)


def uses(*, own: bool) -> list[Use]:
    """Every guarded field and argument of the queries, on one's own objects or on a colleague's."""
    asked = [
        part
        for part in GUARDED
        if part.kind in (PartKind.FIELD, PartKind.QUERY, PartKind.ARGUMENT) and part.coordinate not in TESTED_IN
    ]
    ways = OWN_WAYS if own else WAYS
    return [
        Use(part, f"{'own' if own else 'other'}{number}", own)
        for number, part in enumerate(asked)
        if not own or part.coordinate.partition(".")[0] in ways
    ]


def query_for(wanted: list[Use]) -> str:
    """One query that touches all of these."""
    ways = OWN_WAYS if wanted[0].is_own else WAYS
    selections = [ways[use.part.coordinate.partition(".")[0]].replace("HERE", selection_of(use)) for use in wanted]
    # A way has its own name for each use, so that they do not merge.
    named = [f"{use.name}: {selection}" for use, selection in zip(wanted, selections, strict=True)]
    known = "me: node(id: $me) { id } colleague: node(id: $colleague) { id }"
    return f"query Q($organization: ID!, $me: ID!, $colleague: ID!) {{ {known} {' '.join(named)} }}"


def selection_of(use: Use) -> str:
    type_name, _, field_name = use.field.partition(".")
    field = CORE.type_map[type_name].fields[field_name]  # type: ignore[attr-defined]
    arguments = ARGUMENTS.get(use.part.coordinate, ARGUMENTS.get(use.field, ""))
    if use.part.kind is PartKind.ARGUMENT:
        arguments = ARGUMENTS[use.part.coordinate].replace("PERSON", "$me" if use.is_own else "$colleague")
    arguments = arguments.replace("MEMBERSHIP", f'"mbr_{HERE}{ADMINISTRATOR}"')
    inner = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
    return f"{field_name}{f'({arguments})' if arguments else ''}{inner}"


def test_every_guarded_part_can_be_reached_by_the_tests() -> None:
    for part in GUARDED:
        type_name = part.coordinate.partition(".")[0]
        if part.coordinate in TESTED_IN:
            continue
        if part.kind is PartKind.MUTATION:
            assert part.coordinate in COMMANDS, f"say in Commands how to ask for {part.coordinate}"
        elif part.kind is PartKind.ARGUMENT:
            assert part.coordinate in ARGUMENTS, f"say in ARGUMENTS what {part.coordinate} is asked with"
        else:
            assert part.kind in (PartKind.FIELD, PartKind.QUERY), f"say how to test {part.coordinate}"
            assert type_name in WAYS, f"say in WAYS how to reach {type_name}"


def test_a_command_that_needs_more_than_members_is_tested_elsewhere() -> None:
    for coordinate, file in TESTED_IN.items():
        text = (Path(__file__).parents[1] / file).read_text(encoding="utf-8")
        assert coordinate.partition(".")[2] in text, coordinate


@pytest.mark.parametrize(
    ("profile", "held"), CASES, ids=lambda value: value if isinstance(value, str) else "+".join(value)
)
async def test_a_set_of_roles_and_rights_opens_what_the_table_says_and_nothing_else(
    matrix_portals: dict[str, Portal], profile: str, held: Held
) -> None:
    portal, wanted = matrix_portals[profile], [*uses(own=False), *uses(own=True)]
    person = await portal.person(login_of(held))

    refused: dict[str, str] = {}
    for own in (False, True):
        answer = await person.asks(query_for(uses(own=own)), **variables(held))
        refused |= refusals_of(answer)

    expected = {use.name: use.refused_at(profile, held) for use in wanted if not use.is_open_to(profile, held)}
    assert refused == expected


@pytest.mark.parametrize("profile", ["solar_terminal", "software_house"])
async def test_whoever_holds_everything_elsewhere_opens_nothing_here(
    matrix_portals: dict[str, Portal], profile: str
) -> None:
    portal = matrix_portals[profile]
    person = await portal.person("all-elsewhere@matrix.example")

    answer = await person.asks(query_for(uses(own=False)), **variables(("all-elsewhere",)))

    assert all(answer.data[use.name] is None for use in uses(own=False))
    of_vendor = {use.name for use in uses(own=False) if use.part.rule.scope is PermissionScope.VENDOR}
    assert set(answer.codes) == of_vendor


@pytest.mark.parametrize("profile", ["solar_terminal", "software_house"])
async def test_a_stranger_reaches_no_guarded_part(matrix_portals: dict[str, Portal], profile: str) -> None:
    stranger = matrix_portals[profile].anybody()

    answer = await stranger.asks(query_for(uses(own=False)), **variables(()))

    assert set(answer.codes) == {use.name for use in uses(own=False)}
    assert set(answer.codes.values()) == {"UNAUTHENTICATED"}


@pytest.mark.parametrize("profile", ["solar_terminal", "software_house"])
@pytest.mark.parametrize("coordinate", COMMANDS)
async def test_a_command_is_done_for_those_in_the_table_only(
    matrix_portals: dict[str, Portal], profile: str, coordinate: str
) -> None:
    portal, command = matrix_portals[profile], COMMANDS[coordinate]
    for word, id in (("ORGANIZATION", HERE), ("MEMBERSHIP", f"mbr_{HERE}{ADMINISTRATOR}")):
        command = command.replace(word, f'"{id}"')

    for held in subsets_of(profile):
        own = command.replace("THEMSELF", f'"mbr_{HERE}{user_of(held)}"')
        answer = await (await portal.person(login_of(held))).asks(own)
        is_open = coordinate in SIGNED_IN or bool(getattr(BY_RIGHT[coordinate], profile).intersection(held))
        assert answer.errors == [], held
        codes = [error["code"] for error in answer.at(coordinate.partition(".")[2]).get("errors", ())]
        assert ("FORBIDDEN" not in codes) is is_open, (held, codes)
        assert "NOT_FOUND" not in codes, "the command names something that is not there, so no guard is asked"
    elsewhere = await portal.person("all-elsewhere@matrix.example")
    if coordinate in BY_RIGHT:
        refused = (await elsewhere.asks(command)).at(coordinate.partition(".")[2])["errors"]
        assert [error["code"] for error in refused] in (["NOT_FOUND"], ["FORBIDDEN"])
    stranger = await portal.anybody().asks(command.replace("THEMSELF", f'"mbr_{HERE}{ADMINISTRATOR}"'))
    assert list(stranger.codes.values()) == ["UNAUTHENTICATED"]


def refusals_of(answer: Answer) -> dict[str, str]:
    """The coordinate that each refusal names, by the name of the use; fails the test for any other error."""
    assert {error["extensions"]["code"] for error in answer.errors} <= {"UNAUTHORIZED_FIELD_OR_TYPE"}, answer.errors
    found = {}
    for error in answer.errors:
        coordinate = error["extensions"]["authorization"]["coordinate"]
        argument = coordinate.get("argumentName")
        found[error["path"][0]] = f"{coordinate['typeName']}.{coordinate['fieldName']}" + (
            f"({argument}:)" if argument else ""
        )
    return found


def variables(held: Held) -> dict[str, str]:
    return {"organization": HERE, "me": user_of(held), "colleague": ADMINISTRATOR}


def login_of(held: Held) -> str:
    return f"{'.'.join(held).lower() or 'nothing'}@matrix.example"


def user_of(held: Held) -> UserId:
    return UserId(f"usr_matrix{''.join(held).lower().replace('_', '').replace('-', '')}")


@pytest.fixture(scope="module")
async def matrix_portals() -> AsyncIterator[dict[str, Portal]]:
    """Both gateways, each with an organization in which somebody holds each set of roles and rights."""
    async with (
        open_portal("solar_terminal", **LIMITS) as solar,
        open_portal("software_house", **LIMITS) as software,
    ):
        portals = {"solar_terminal": solar, "software_house": software}
        for profile, portal in portals.items():
            await portal.wiring.backends.directory.load(members_of(profile))
        yield portals


def members_of(profile: str) -> DirectoryData:
    """An organization with an administrator and one member for each set, who holds everything in another one.

    The administrator is the first by name, so that they are among those whom everybody is shown, and the only one whom
    the other organization does not know.
    """
    policy = policy_of(profile)
    (administrative, *_) = policy.administrative_role_keys()
    everything = (*policy.roles, *(right.value for right in policy.direct_permissions))
    people: list[tuple[UserId, str, Held | None]] = [
        (ADMINISTRATOR, "a.administrator@matrix.example", (administrative,))
    ]
    people += [(user_of(held), login_of(held), held) for held in subsets_of(profile)]
    people += [(user_of(("all-elsewhere",)), "all-elsewhere@matrix.example", None)]
    memberships, grants = [], []
    for user, _, held in people:
        for organization, given in ((HERE, held), (ELSEWHERE, everything)):
            if given is None or (organization == ELSEWHERE and user == ADMINISTRATOR):
                continue
            membership = MembershipId(f"mbr_{organization}{user}")
            memberships.append(MembershipRecord(membership, 1, organization, user, MembershipStatus.ACTIVE, NOW, None))
            grants += [
                GrantRecord(
                    GrantId(f"grt_{membership}{key}"),
                    membership,
                    organization,
                    user,
                    GrantKind.ROLE if key in policy.roles else GrantKind.PERMISSION,
                    key,
                    NOW - timedelta(days=1),
                    ADMINISTRATOR,
                    None,
                )
                for key in given
            ]
    return DirectoryData(
        users=[_user(user, email) for user, email, _ in people],
        login_names=[],
        organizations=[_organization(HERE), _organization(ELSEWHERE)],
        memberships=memberships,
        grants=grants,
        vendor_permissions=[],
    )


def _user(user: UserId, email: str) -> UserRecord:
    return UserRecord(
        id=user,
        email=email,
        email_verified=True,
        first_name="Some",
        last_name=email.partition("@")[0],
        phone="+4930123456",
        locale="de",
        address=None,
        account_kind=AccountKind.BUSINESS_CUSTOMER,
        default_organization_id=None,
        created_at=NOW,
        profile_version=1,
    )


def _organization(organization: OrganizationId) -> OrganizationRecord:
    return OrganizationRecord(
        id=organization,
        version=1,
        customer_number=None,
        name=organization,
        legal_name=None,
        kind=OrganizationKind.INSTALLER,
        status=OrganizationStatus.ACTIVE,
        seat=None,
        vat_id=None,
    )

"""What a request leaves out of its caller, an extension written in Python may still look at."""

from collections.abc import AsyncIterator

import pytest

from tests.extensions.profiles import profile_with
from tests.portal import Portal, open_portal

LOOKS = """
from schema.extending import OPEN, Extension, Organization, Query, Viewer, computed, field, root

extension = Extension("looks", api=1)


def seen(context):
    caller = context.caller
    (standing,) = caller.standings.values()
    grants = sorted(f"{grant.kind} {grant.granted_by_id}" for grant in standing.grants)
    return f"{caller.user.last_name}, {caller.user.phone}, {standing.organization.customer_number}, {grants}"


async def of_viewers(context, viewers):
    return [seen(context) for _ in viewers]


async def of_organizations(context, organizations):
    return [seen(context) for _ in organizations]


async def of_query(context):
    return seen(context)


def of_one(context, organization):
    return seen(context)


WHAT = {"graphql_type": str | None, "requires": OPEN, "description": "What it looks at."}
extension.extend(Viewer, looked_at=field(of_viewers, **WHAT))
extension.extend(Organization, looked_at=field(of_organizations, **WHAT), looked_once=computed(of_one, **WHAT))
extension.extend(Query, looked_at=root(of_query, **WHAT))
"""


@pytest.fixture(scope="module")
async def portal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Portal]:
    profile = profile_with(tmp_path_factory.mktemp("looks"), "looks", files={"looks.py": LOOKS})
    async with open_portal(str(profile)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ("{ viewer { lookedAt } }", "viewer.lookedAt"),
        ("{ lookedAt }", "lookedAt"),
        (
            "{ viewer { memberships { nodes { organization { lookedAt } } } } }",
            "viewer.memberships.nodes.0.organization.lookedAt",
        ),
        (
            "{ viewer { memberships { nodes { organization { lookedOnce } } } } }",
            "viewer.memberships.nodes.0.organization.lookedOnce",
        ),
    ],
)
async def test_any_field_of_an_extension_in_python_finds_the_whole_caller(
    portal: Portal, document: str, path: str
) -> None:
    buyer = await portal.person("purchase@helios.example")
    everything = await buyer.asks(
        "{ viewer { user { lastName phone } memberships { nodes { organization { customerNumber } } } } }"
    )

    answer = await buyer.asks(document)

    person = everything.at("viewer.user")
    number = everything.at("viewer.memberships.nodes.0.organization.customerNumber")
    assert answer.errors == []
    assert answer.at(path).startswith(f"{person['lastName']}, {person['phone']}, {number}, [")

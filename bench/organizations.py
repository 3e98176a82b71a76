"""What an organization costs somebody who belongs to one or to a thousand: `python -m bench.organizations`.

In instructions of the gateway, see `bench.instructions`, and in what PostgreSQL reads for them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import uvloop

from bench.instructions import counted_on
from bench.serve import settings_for
from bench.stage import Stage, open_stage
from bench.workload import ORGANIZATION_ID, SINCE, Query, directory_data
from connectors.database.engine import open_database
from connectors.directory.directory import Directory
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.ids import GrantId, MembershipId, OrganizationId, UserId
from gateway.cli.token import token_for
from gateway.wiring import utc_now

SIZES = (1, 1_000)

ORGANIZATION = Query(
    "Organization",
    "query Organization($id: ID!) { organization(id: $id) { id name customerNumber status } }",
    {"id": ORGANIZATION_ID},
)


def login_name(size: int) -> str:
    """Return who belongs to so many organizations."""
    return f"in{size}@bench.example"


def people_in(sizes: Sequence[int]) -> DirectoryData:
    """Return a person in so many organizations for each of these numbers, with a role in each."""
    known = directory_data()
    organizations = [
        replace(known.organizations[0], id=OrganizationId(f"org_many{number:05}"), customer_number=f"M{number:05}")
        for number in range(1, max(sizes))
    ]
    users, memberships, grants = [], [], []
    for size in sizes:
        user = replace(known.users[0], id=UserId(f"usr_in{size}"), email=login_name(size))
        users.append(user)
        for number, organization in enumerate([known.organizations[0], *organizations[: size - 1]]):
            member = MembershipRecord(
                MembershipId(f"mbr_in{size}x{number:05}"),
                1,
                organization.id,
                user.id,
                MembershipStatus.ACTIVE,
                SINCE,
                None,
            )
            memberships.append(member)
            grants.append(
                GrantRecord(
                    GrantId(f"grt_in{size}x{number:05}"),
                    member.id,
                    organization.id,
                    user.id,
                    GrantKind.ROLE,
                    "administration",
                    SINCE,
                    None,
                    None,
                )
            )
    return DirectoryData(users, [], organizations, memberships, grants, [])


async def main() -> None:
    """Print the table."""
    async with open_stage() as stage:
        engine = open_database(stage.database_url)
        await Directory(engine).load(people_in(SIZES))
        await engine.dispose()
        settings = settings_for(stage.folder, stage.database_url)
        for size in SIZES:
            token = await token_for(settings, login_name(size), clock=utc_now)
            own = Stage(stage.folder, stage.database_url, token)
            instructions = await asyncio.to_thread(counted_on, own, ORGANIZATION, "forecourt")
            print(f"in {size:,} organizations: {instructions / 1000:,.0f} thousand instructions per request")  # noqa: T201


if __name__ == "__main__":
    uvloop.run(main())

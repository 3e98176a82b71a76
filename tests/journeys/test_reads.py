"""What is read once for a request is not read again, and never outlives a change."""

import json

from tests.portal import Portal, open_portal

ADMINISTRATION = "administration@helios.example"
PAGE = """
query Page($id: ID!) {
  viewer {
    defaultOrganization { name }
    memberships { nodes { status organization { name } } }
    applications { state }
  }
  organization(id: $id) { name customerNumber }
}
"""
PEOPLE = """
query People($id: ID!) {
  organization(id: $id) { members { nodes { status user { displayName email } } } }
}
"""
UPDATE = """
mutation Update($input: UpdateOrganizationInput!) {
  updateOrganization(input: $input) { organization { phone } errors { code } }
}
"""
READ = "query Read($id: ID!) { organization(id: $id) { phone version } }"


async def test_the_organizations_of_the_caller_come_with_the_caller(each_portal: Portal) -> None:
    person = await each_portal.person(ADMINISTRATION)
    helios = await each_portal.organization_of(ADMINISTRATION)

    with each_portal.statements() as statements:
        answer = await person.asks(PAGE, id=helios)

    assert answer.at("organization") == {"name": "Helios Montage GmbH", "customerNumber": "204718"}
    assert answer.at("viewer.defaultOrganization") == {"name": "Helios Montage GmbH"}
    assert len(statements) == 2, "who asks, and their memberships"


async def test_the_members_of_an_organization_come_as_the_people_they_are(each_portal: Portal) -> None:
    person = await each_portal.person(ADMINISTRATION)
    helios = await each_portal.organization_of(ADMINISTRATION)

    with each_portal.statements() as statements:
        answer = await person.asks(PEOPLE, id=helios)

    members = answer.at("organization.members.nodes")
    assert {
        "status": "ACTIVE",
        "user": {"displayName": "Matthias Böhm", "email": "matthias.boehm@helios.example"},
    } in members
    assert len(statements) == 2, "who asks, and the members"


async def test_an_operation_that_follows_a_change_in_a_batch_reads_again() -> None:
    async with open_portal(max_batch=3) as portal:
        person = await portal.person(ADMINISTRATION)
        helios = await portal.organization_of(ADMINISTRATION)
        before = (await person.asks(READ, id=helios)).at("organization")
        change = {"id": helios, "expectedVersion": before["version"], "phone": "+49761123456"}

        answer = await person.posts(
            json.dumps(
                [
                    {"query": READ, "variables": {"id": helios}},
                    {"query": UPDATE, "variables": {"input": change}},
                    {"query": READ, "variables": {"id": helios}},
                ]
            ).encode()
        )

    assert answer.body[0]["data"]["organization"] == before
    assert answer.body[1]["data"]["updateOrganization"] == {"organization": {"phone": "+49761123456"}, "errors": []}
    assert answer.body[2]["data"]["organization"] == {"phone": "+49761123456", "version": before["version"] + 1}

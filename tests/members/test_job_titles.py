"""What a member does in an organization: written by themself and by those who manage members, and by nobody else."""

import pytest

from tests.access.changing_access import member_of
from tests.portal import Portal

ADMINISTRATION, PURCHASE, PLANNING = (
    "administration@helios.example",
    "purchase@helios.example",
    "planning@helios.example",
)
UPDATE = """
mutation Update($id: ID!, $title: String, $version: Int) {
  updateMember(input: { id: $id, jobTitle: $title, expectedVersion: $version }) {
    membership { jobTitle version }
    errors { code path }
  }
}
"""


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (PURCHASE, None),  # themself
        (ADMINISTRATION, None),
        (PLANNING, "FORBIDDEN"),  # a member who manages nobody
        ("administration@lumen.example", "NOT_FOUND"),  # who administers another organization
    ],
)
async def test_a_job_title_is_written_by_the_member_and_by_those_who_manage_members(
    portal: Portal, who: str, code: str | None
) -> None:
    id = await member_of(portal, PURCHASE)
    (before,) = await portal.wiring.backends.directory.memberships([id])
    assert before is not None
    title = f"Leitung {who}"[:40]

    answer = (await (await portal.person(who)).asks(UPDATE, id=id, title=f"  {title} ")).at("updateMember")

    (after,) = await portal.wiring.backends.directory.memberships([id])
    assert after is not None
    if code is None:
        assert answer == {"membership": {"jobTitle": title, "version": before.version + 1}, "errors": []}
        assert (after.job_title, after.version) == (title, before.version + 1)
    else:
        assert answer == {
            "membership": None,
            "errors": [{"code": code, "path": ["id"] if code == "NOT_FOUND" else None}],
        }
        assert after == before


async def test_a_job_title_is_removed_and_a_stale_version_or_a_long_one_is_refused(portal: Portal) -> None:
    id = await member_of(portal, PURCHASE)
    person = await portal.person(PURCHASE)
    (before,) = await portal.wiring.backends.directory.memberships([id])
    assert before is not None

    stale = (await person.asks(UPDATE, id=id, title="x", version=before.version + 7)).at("updateMember.errors")
    long = (await person.asks(UPDATE, id=id, title="x" * 101)).at("updateMember.errors")
    gone = (await person.asks(UPDATE, id=id, title=" ", version=before.version)).at("updateMember")
    again = (await person.asks(UPDATE, id=id, title=None)).at("updateMember")

    assert stale == [{"code": "STALE_VERSION", "path": ["expectedVersion"]}]
    assert long == [{"code": "INVALID_INPUT", "path": ["jobTitle"]}]
    assert gone == {"membership": {"jobTitle": None, "version": before.version + 1}, "errors": []}
    assert again == gone  # what changes nothing writes nothing

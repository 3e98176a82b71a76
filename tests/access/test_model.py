"""Whatever members do to one another, the portal answers as a small model does, and somebody always administers.

``FORECOURT_TEST_EXAMPLES`` is how many lives of an organization are tried on SQLite; a quarter of them on PostgreSQL.
"""

import os
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.ids import GrantId, MembershipId, OrganizationId, UserId
from connectors.values import AccountKind
from permissions.vocabulary import VENDOR_PERMISSIONS, Permission
from tests.access.changing_access import administrators_of, does
from tests.access.model import (
    ACTIVE,
    DEPUTY,
    DIRECT_PERMISSIONS,
    HOLDER,
    PERSON,
    REMOVED,
    ROLES,
    SUSPENDED,
    AccessRequest,
    Member,
    Organization,
)
from tests.portal import NOW, Person, Portal
from tests.running import RunningPortal
from tests.servers import DatabaseKind

EXAMPLES = int(os.environ.get("FORECOURT_TEST_EXAMPLES", "6"))
ORGANIZATION_ID = OrganizationId("org_model")
BEGIN: dict[str, dict[str, datetime | None]] = {
    "ada": {HOLDER: None},
    "ben": {HOLDER: NOW + timedelta(days=45), PERSON: None},
    "cleo": {DEPUTY: None, "ORDER_PLACE": None},
    "dora": {PERSON: None, "ORDER_VIEW": None},
}
SEEN = """
query Seen($id: ID!, $all: [PermissionCode!]!) {
  organization(id: $id) {
    members(first: 100, status: [ACTIVE, SUSPENDED, REMOVED]) {
      nodes { id viewerCanUpdateRoles viewerCanSuspend viewerCanReactivate viewerCanRemove }
    }
    accessRequests(first: 100) { nodes { id status viewerCanDecide } }
  }
  viewer { can(organizationId: $id, permissions: $all) { allowed permission { code } } }
}
"""

names = st.sampled_from(list(BEGIN))
keys = st.sampled_from([DEPUTY, PERSON, *DIRECT_PERMISSIONS])
days = st.one_of(st.none(), st.integers(1, 40))


class Life(RuleBasedStateMachine):
    """The life of an organization in which four people do what they like."""

    kind: ClassVar[DatabaseKind]

    def __init__(self) -> None:
        super().__init__()
        self.running = RunningPortal("software_house", self.kind)
        self.portal: Portal = self.running.portal
        self.running.run(self.portal.wiring.backends.directory.load(_data()))
        members = {name: Member(name, dict(given)) for name, given in BEGIN.items()}
        self.model = Organization(members, NOW)
        self.people: dict[str, Person] = {}
        self.looked = 0

    def teardown(self) -> None:
        self.running.close()

    @rule(
        actor=names,
        other=names,
        roles=st.one_of(st.none(), st.frozensets(st.sampled_from(ROLES))),
        rights=st.one_of(st.none(), st.frozensets(st.sampled_from(DIRECT_PERMISSIONS))),
        until=days,
    )
    def update(
        self, actor: str, other: str, roles: frozenset[str] | None, rights: frozenset[str] | None, until: int | None
    ) -> None:
        if roles is None and rights is None:
            return
        end = self.model.now + timedelta(days=until) if until is not None else None
        input: dict[str, Any] = {"membershipId": _membership(other)}
        input |= {"roleKeys": sorted(roles)} if roles is not None else {}
        input |= {"permissions": sorted(rights)} if rights is not None else {}
        input |= {"validUntil": end.isoformat()} if end is not None else {}
        a, b = self.model.members[actor], self.model.members[other]
        self._agree(actor, "updateMemberAccess", self.model.update(a, b, roles, rights, end), **input)

    @rule(actor=names, other=names, action=st.sampled_from(["suspend", "reactivate", "remove"]))
    def end(self, actor: str, other: str, action: str) -> None:
        expected = getattr(self.model, action)(self.model.members[actor], self.model.members[other])
        self._agree(actor, f"{action}Member", expected, id=_membership(other))

    @rule(actor=names)
    def leave(self, actor: str) -> None:
        expected = self.model.leave(self.model.members[actor])
        self._agree(actor, "leaveOrganization", expected, organizationId=ORGANIZATION_ID)

    @rule(actor=names, other=names)
    def transfer(self, actor: str, other: str) -> None:
        expected = self.model.transfer(self.model.members[actor], self.model.members[other])
        self._agree(
            actor,
            "transferAdministration",
            expected,
            organizationId=ORGANIZATION_ID,
            toMembershipId=_membership(other),
            idempotencyKey=os.urandom(8).hex(),
        )

    @rule(actor=names, key=keys)
    def ask(self, actor: str, key: str) -> None:
        request = {"roleKeys": [key]} if key in ROLES else {"permissions": [key]}
        number = len(self.model.requests)
        expected = self.model.ask(self.model.members[actor], key, "")
        made = self._agree(actor, "requestAccess", expected, organizationId=ORGANIZATION_ID, **request)
        if expected is None:
            self.model.requests[number].id = made["accessRequest"]["id"]

    @precondition(lambda self: self.model.requests)
    @rule(actor=names, number=st.integers(0, 9), approve=st.booleans())
    def decide(self, actor: str, number: int, approve: bool) -> None:
        request = self._request(number)
        expected = self.model.decide(self.model.members[actor], request, approve=approve)
        self._agree(actor, "decideAccessRequest", expected, id=request.id, approve=approve)

    @precondition(lambda self: self.model.requests)
    @rule(actor=names, number=st.integers(0, 9))
    def withdraw(self, actor: str, number: int) -> None:
        request = self._request(number)
        self._agree(
            actor, "withdrawAccessRequest", self.model.withdraw(self.model.members[actor], request), id=request.id
        )

    @rule(passed=st.integers(1, 31))
    def wait(self, passed: int) -> None:
        self.portal.clock.move(timedelta(days=passed))
        self.model.now += timedelta(days=passed)
        self.people.clear()  # their tokens have ended

    @invariant()
    def the_organization_is_administered(self) -> None:
        found = self.running.run(administrators_of(self.portal, ORGANIZATION_ID))
        assert sorted(found) == sorted(_membership(name) for name in self.model.administrators())
        assert found

    @invariant()
    def everybody_holds_what_was_given(self) -> None:
        """Nobody holds a right of the vendor's."""
        ids = [_membership(name) for name in BEGIN]
        stored = self.running.run(self.portal.wiring.backends.directory.grants_of(ids))
        for member, grants in zip(self.model.members.values(), stored, strict=True):
            assert {grant.key: grant.valid_until for grant in grants} == member.grants, member.name
            assert not {grant.key for grant in grants} & {permission.value for permission in VENDOR_PERMISSIONS}

    @invariant()
    def somebody_sees_and_may_what_the_model_says(self) -> None:
        """Somebody else is asked after each step."""
        self.looked += 1
        actor = list(self.model.members.values())[self.looked % len(self.model.members)]
        answer = self.running.run(self._seen(actor.name))
        may = {entry["permission"]["code"] for entry in answer["viewer"]["can"] if entry["allowed"]}
        assert may == actor.may(self.model.now), actor.name
        organization = answer["organization"]
        assert (organization is None) is (actor.status == REMOVED)
        if organization is None or organization["members"] is None:
            return
        for node in organization["members"]["nodes"]:
            self._check_said(actor, node)
        for node in organization["accessRequests"]["nodes"]:
            (request,) = [request for request in self.model.requests if request.id == node["id"]]
            is_open = request.is_open(self.model.now)
            assert node["status"] == ("EXPIRED" if request.status == "PENDING" and not is_open else request.status)
            assert node["viewerCanDecide"] is (is_open and self.model.manages(actor))

    def _check_said(self, actor: Member, node: Any) -> None:
        model, target = self.model, self.model.members[node["id"].removeprefix("mbr_model_")]
        assert node["viewerCanUpdateRoles"] is (model.against_update(actor, target) is None)
        assert node["viewerCanSuspend"] is (model.against_ending(actor, target, (ACTIVE,)) is None)
        assert node["viewerCanRemove"] is (model.against_ending(actor, target, (ACTIVE, SUSPENDED)) is None)
        assert node["viewerCanReactivate"] is (model.manages(actor) and target.status == SUSPENDED)

    async def _seen(self, name: str) -> Any:
        answer = await (await self._person(name)).asks(
            SEEN, id=ORGANIZATION_ID, all=[permission.value for permission in Permission]
        )
        return answer.data

    async def _person(self, name: str) -> Person:
        person = self.people.get(name)
        if person is None:
            person = self.people[name] = await self.portal.person(f"{name}@model.example")
        return person

    def _request(self, number: int) -> AccessRequest:
        return self.model.requests[number % len(self.model.requests)]

    def _agree(self, actor: str, mutation: str, expected: str | None, **input: Any) -> Any:
        """Send the mutation, and see that it is refused with the code that the model says, or done."""

        async def send() -> Any:
            return await does(await self._person(actor), mutation, **input)

        payload = self.running.run(send())
        codes = {error["code"] for error in payload["errors"]}
        assert codes == ({expected} if expected is not None else set()), (actor, mutation, input, payload["errors"])
        return payload


@pytest.mark.hypothesis
@pytest.mark.parametrize(
    ("kind", "examples"),
    [
        ("sqlite", EXAMPLES),
        pytest.param("postgresql", max(2, EXAMPLES // 4), marks=pytest.mark.slow),
    ],
)
def test_an_organization_lives_as_the_model_says(kind: DatabaseKind, examples: int) -> None:
    machine = type(f"LifeOn{kind}", (Life,), {"kind": kind})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=15,
        ),
    )


def _membership(name: str) -> MembershipId:
    return MembershipId(f"mbr_model_{name}")


def _data() -> DirectoryData:
    users = [
        UserRecord(
            UserId(f"usr_model_{name}"), f"{name}@model.example", True, name.title(), "Model", None, None, None,
            AccountKind.BUSINESS_CUSTOMER, None, NOW, 1,
        )
        for name in BEGIN
    ]  # fmt: skip
    return DirectoryData(
        users=users,
        login_names=[("DOMUS_99999", users[0].id)],
        organizations=[_organization()],
        memberships=[
            MembershipRecord(_membership(name), 1, ORGANIZATION_ID, user.id, MembershipStatus.ACTIVE, NOW, None)
            for name, user in zip(BEGIN, users, strict=True)
        ],
        grants=[
            GrantRecord(
                GrantId(f"grt_model_{name}_{key.lower()}"),
                _membership(name),
                ORGANIZATION_ID,
                user.id,
                GrantKind.ROLE if key in ROLES else GrantKind.PERMISSION,
                key,
                NOW,
                users[0].id,
                until,
            )
            for (name, given), user in zip(BEGIN.items(), users, strict=True)
            for key, until in given.items()
        ],
        vendor_permissions=[],
    )


def _organization() -> OrganizationRecord:
    return OrganizationRecord(
        ORGANIZATION_ID, 1, "99999", "Model", None, OrganizationKind.LICENSEE, OrganizationStatus.ACTIVE, None, None
    )

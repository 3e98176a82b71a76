"""Registration by rules: whatever is done in whatever order, the portal stands where a small model says.

After every step, what each registration and its organization say, what its applicant holds, which mails wait and how
often the audit log was written agree with the model. How many walks are tried on each database is REGISTRATION_WALKS,
and
of how many steps REGISTRATION_STEPS; a few of few without them.
"""

import asyncio
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from connectors.rate_limits.interface import Limit
from resolvers.context import RequestContext
from resolvers.registrations.scheduled import expire_registrations, remind_of_overdue_registrations
from tests.portal import NOW, Portal, open_portal
from tests.registrations.registering import (
    STATUS,
    WITHDRAW,
    at,
    confirms,
    decides,
    registers,
    registration_of,
    token_of,
)
from tests.servers import DatabaseKind

WALKS = int(os.environ.get("REGISTRATION_WALKS", "2"))
STEPS = int(os.environ.get("REGISTRATION_STEPS", "15"))

ACCESS = """
{
  viewer {
    memberships { nodes { organization { name status } roleGrants { role { key } } } }
    can(permissions: [MEMBER_MANAGE]) { allowed reason }
  }
}
"""

UNDECIDED = ("PENDING_REVIEW", "INFORMATION_REQUESTED")
REVIEWER = "review@vendor.example"


@dataclass
class Expected:
    """What the model knows of one registration."""

    email: str
    token: str
    reference: str
    created_at: datetime
    status: str = "EMAIL_UNVERIFIED"
    id: str = ""
    due_at: datetime | None = None
    is_reminded: bool = False
    mails: list[str] = field(default_factory=lambda: ["registration_confirmation"])


async def unlimited(_key: str, _limit: Limit) -> None:
    """Let everybody try: the steps of a walk come faster than people."""


class RegistrationMachine(RuleBasedStateMachine):
    """Applicants, reviewers and time do what they like."""

    registrations = Bundle("registrations")
    kind: DatabaseKind = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opening = open_portal(kind=self.kind)
        self.portal: Portal = self.does(self.opening.__aenter__())
        self.portal.wiring.backends.rate_limits.hit = unlimited  # type: ignore[method-assign]
        self.known: list[Expected] = []
        self.reviewer_mails = 0

    def teardown(self) -> None:
        """Close the portal."""
        self.does(self.opening.__aexit__(None, None, None))
        self.runner.close()

    def does(self, work: Any) -> Any:
        """Wait for something to be done."""
        return self.runner.run(work)

    @property
    def now(self) -> datetime:
        """The model's clock is the portal's."""
        return self.portal.clock()

    @rule(target=registrations)
    @precondition(lambda self: len(self.known) < 3)
    def register(self) -> Any:
        """Somebody registers an organization."""
        email = f"{len(self.known)}@firstblick.example"
        given = {"applicantEmail": email, "name": f"Firstblick {len(self.known)}", "idempotencyKey": "same"}
        payload = self.does(registers(self.portal.anybody(), **given))
        assert payload["errors"] == []
        assert self.does(registers(self.portal.anybody(), **given)) == payload  # a repeated request does nothing
        token = self.does(token_of(self.portal, email))
        expected = Expected(email, token, payload["reference"], self.now)
        self.known.append(expected)
        return expected

    @rule(expected=registrations)
    def confirm(self, expected: Expected) -> None:
        """The applicant uses the link."""
        payload = self.does(confirms(self.portal, expected.token))
        if self.status_of(expected) == "EMAIL_UNVERIFIED":
            assert payload["errors"] == []
            person = self.does(self.portal.person(expected.email))
            expected.id = self.does(registration_of(person))["id"]
            expected.status = "PENDING_REVIEW"
            expected.due_at = self.now + timedelta(hours=24)
            expected.mails.append("registration_received")
            self.reviewer_mails += 1
        else:
            assert [error["code"] for error in payload["errors"]] == ["TOKEN_INVALID"]

    @rule(
        expected=registrations,
        mutation=st.sampled_from(["approveRegistration", "rejectRegistration", "requestRegistrationInformation"]),
    )
    def decide(self, expected: Expected, mutation: str) -> None:
        """A reviewer decides."""
        more = {"rejectRegistration": {"reason": "No."}, "requestRegistrationInformation": {"question": "Why?"}}
        reviewer = self.does(self.portal.person(REVIEWER))
        payload = self.does(decides(reviewer, mutation, expected.id or "reg_unknown", **more.get(mutation, {})))
        can_be = ("PENDING_REVIEW",) if mutation == "requestRegistrationInformation" else UNDECIDED
        if expected.id and expected.status in can_be:
            assert payload["errors"] == []
            expected.status, mail = {
                "approveRegistration": ("APPROVED", "registration_approved"),
                "rejectRegistration": ("REJECTED", "registration_rejected"),
                "requestRegistrationInformation": ("INFORMATION_REQUESTED", "registration_information_wanted"),
            }[mutation]
            expected.mails.append(mail)
            if expected.status == "INFORMATION_REQUESTED":
                expected.due_at, expected.is_reminded = None, False
        else:
            code = "CONFLICT" if expected.id else "NOT_FOUND"
            assert [error["code"] for error in payload["errors"]] == [code]

    @rule(expected=registrations)
    def answer(self, expected: Expected) -> None:
        """The applicant answers."""
        if not expected.id:
            return
        person = self.does(self.portal.person(expected.email))
        payload = self.does(decides(person, "answerRegistration", expected.id, answer="So."))
        if expected.status == "INFORMATION_REQUESTED":
            assert payload["errors"] == []
            expected.status, expected.due_at = "PENDING_REVIEW", self.now + timedelta(hours=24)
            self.reviewer_mails += 1
        else:
            assert [error["code"] for error in payload["errors"]] == ["CONFLICT"]

    @rule(expected=registrations)
    def withdraw(self, expected: Expected) -> None:
        """The applicant withdraws, by the token until the address is confirmed."""
        if expected.id:
            person, given = self.does(self.portal.person(expected.email)), {"id": expected.id}
        else:
            person, given = self.portal.anybody(), {"token": expected.token}
        payload = at(self.does(person.asks(WITHDRAW, input=given)), "withdrawRegistration")
        if self.status_of(expected) in ("EMAIL_UNVERIFIED", *UNDECIDED):
            assert payload["errors"] == []
            expected.status, expected.due_at = "WITHDRAWN", None
        else:
            code = "CONFLICT" if expected.id else "TOKEN_INVALID"
            assert [error["code"] for error in payload["errors"]] == [code]

    @rule(hours=st.sampled_from([1, 25, 100]))
    @precondition(lambda self: self.now - NOW < timedelta(days=20))
    def time_passes(self, hours: int) -> None:
        """Time passes, and then the scheduled tasks run."""
        self.portal.clock.move(timedelta(hours=hours))
        wiring = self.portal.wiring
        context = RequestContext(backends=wiring.backends, policy=wiring.policy, now=self.now, request_id="minute")
        for work in (remind_of_overdue_registrations, expire_registrations):
            self.does(work(context))
        for expected in self.known:
            expected.status = self.status_of(expected)
            is_due = expected.status == "PENDING_REVIEW" and expected.due_at is not None and expected.due_at <= self.now
            if is_due and not expected.is_reminded:
                expected.is_reminded = True
                self.reviewer_mails += 1

    @invariant()
    def the_portal_stands_where_the_model_does(self) -> None:
        """Everybody sees what the model says."""
        for expected in self.known:
            self.does(self.check(expected))
        assert len(self.does(self.portal.queued_mails(REVIEWER))) == self.reviewer_mails

    def status_of(self, expected: Expected) -> str:
        """Where the registration stands now."""
        is_expired = self.now - expected.created_at >= timedelta(days=7)
        return "EXPIRED" if expected.status == "EMAIL_UNVERIFIED" and is_expired else expected.status

    async def check(self, expected: Expected) -> None:
        """Compare one registration with what is seen of it from outside and from inside."""
        portal, status = self.portal, self.status_of(expected)
        reported = await portal.anybody().asks(STATUS, reference=expected.reference, email=expected.email)
        assert reported.at("registrationStatus.status") == status
        assert [mail.template for mail in await portal.queued_mails(expected.email)] == expected.mails
        if not expected.id:
            assert await portal.wiring.backends.directory.user_id_of_login_name(expected.email) is None
            return
        person = await portal.person(expected.email)
        seen = await registration_of(person)
        overdue = status == "PENDING_REVIEW" and expected.due_at is not None and expected.due_at <= self.now
        assert (seen["id"], seen["status"], seen["overdue"]) == (expected.id, status, overdue)
        access = (await person.asks(ACCESS)).at("viewer")
        nodes = access["memberships"]["nodes"]
        if status == "WITHDRAWN":
            assert nodes == []
            return
        organization = {"APPROVED": "ACTIVE", "REJECTED": "REJECTED"}.get(status, "PENDING_REVIEW")
        roles = [{"role": {"key": "administration"}}] if status == "APPROVED" else []
        assert [(node["organization"]["status"], node["roleGrants"]) for node in nodes] == [(organization, roles)]
        reason = None if status == "APPROVED" else "ORGANIZATION_NOT_ACTIVE"
        assert access["can"] == [{"allowed": status == "APPROVED", "reason": reason}]
        steps = [event["status"] for event in seen["history"]]
        rows = [row for row in await portal.audit(*_ACTIONS) if row.subject_id == expected.id]
        assert (len(rows), steps[-1]) == (len(steps), status)


_ACTIONS = tuple(
    f"registration.{action}"
    for action in ("create", "confirm", "approve", "reject", "request_information", "answer", "withdraw", "expire")
)


@pytest.mark.hypothesis
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_a_registration_stands_where_the_model_says_whatever_is_done(kind: DatabaseKind) -> None:
    machine = type("Machine", (RegistrationMachine,), {"kind": kind})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            phases=(Phase.generate,) if "CI" in os.environ else (Phase.generate, Phase.shrink),
        ),
    )

"""What members, their grants and their requests come to, in the simplest way that could be right.

It knows the shipped software house only: a licence holder may all and delegates all, nobody else may anything here.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOLDER, DEPUTY, PERSON = "licence_holder", "deputy", "authorised_person"
ROLES = (HOLDER, DEPUTY, PERSON)
DIRECT_PERMISSIONS = ("ORDER_PLACE", "ORDER_VIEW", "SOFTWARE_DOWNLOAD", "CONTRACT_DOCUMENT_VIEW", "ACCOUNT_MANAGE")
OF_ROLE = {
    HOLDER: {
        "ORGANIZATION_VIEW", "ORGANIZATION_MANAGE", "MEMBER_VIEW", "MEMBER_MANAGE", "ROLE_ASSIGN", "AUDIT_VIEW",
        "ORDER_APPROVE", "EVENT_BOOK", *DIRECT_PERMISSIONS,
    },
    DEPUTY: {"ORGANIZATION_VIEW", "ACCOUNT_MANAGE", "CONTRACT_DOCUMENT_VIEW"},
    PERSON: set(),
}  # fmt: skip
ACTIVE, SUSPENDED, REMOVED = "ACTIVE", "SUSPENDED", "REMOVED"
LIFETIME = timedelta(days=30)


@dataclass
class Member:
    """A member: where they stand, and what they hold until when."""

    name: str
    grants: dict[str, datetime | None]
    status: str = ACTIVE

    def held(self, now: datetime) -> dict[str, datetime | None]:
        """What has not ended."""
        return {key: until for key, until in self.grants.items() if until is None or now < until}

    def may(self, now: datetime) -> set[str]:
        """What they may do."""
        if self.status != ACTIVE:
            return set()
        return {right for key in self.held(now) for right in OF_ROLE.get(key, {key})}

    @property
    def administers(self) -> bool:
        """Whether they hold the organization permanently."""
        return self.status == ACTIVE and HOLDER in self.grants and self.grants[HOLDER] is None


@dataclass
class AccessRequest:
    """A request: whose, for what, and where it stands."""

    id: str
    of: Member
    key: str
    expires_at: datetime
    status: str = "PENDING"

    def is_open(self, now: datetime) -> bool:
        """Whether it can be decided."""
        return self.status == "PENDING" and now < self.expires_at


@dataclass
class Organization:
    """The organization, and what each command answers: the code of its refusal, None when it is done."""

    members: dict[str, Member]
    now: datetime
    requests: list[AccessRequest] = field(default_factory=list)

    def administrators(self) -> list[str]:
        """Who holds it permanently."""
        return [member.name for member in self.members.values() if member.administers]

    def manages(self, actor: Member) -> bool:
        """Whether somebody may change members and what they hold."""
        return "ROLE_ASSIGN" in actor.may(self.now)

    def against_update(self, actor: Member, target: Member) -> str | None:
        """Why what the target holds may not be changed at all."""
        if (code := self._entry(actor)) is not None:
            return code
        return "CONFLICT" if target.status == REMOVED else None

    def update(
        self,
        actor: Member,
        target: Member,
        roles: frozenset[str] | None,
        rights: frozenset[str] | None,
        until: datetime | None,
    ) -> str | None:
        """Let the target hold these; None stays, and `until` ends all that is listed."""
        if (code := self.against_update(actor, target)) is not None:
            return code
        held = target.held(self.now)
        own_roles = {key for key in held if key in ROLES}
        after_roles = own_roles if roles is None else set(roles)
        staying = {right for key in own_roles & after_roles for right in OF_ROLE[key]}
        if rights is not None and any(right in staying for right in DIRECT_PERMISSIONS if right not in rights):
            return "PERMISSION_INHERITED_FROM_ROLE"
        after = dict(target.grants)
        for key in (ROLES if roles is not None else ()) + (DIRECT_PERMISSIONS if rights is not None else ()):
            listed = key in (roles or ()) or key in (rights or ())
            if not listed and key in held:
                del after[key]
        by_role = {right for key in after_roles for right in OF_ROLE[key]}
        for key in (roles or frozenset()) | (rights or frozenset()):
            if key in DIRECT_PERMISSIONS and key not in held and key in by_role:
                continue
            after[key] = until if until is not None else held.get(key)
        was, target.grants = target.grants, after
        if not self.administrators():
            target.grants = was
            return "LAST_ADMINISTRATOR"
        self._end_held_requests(target)
        return None

    def against_ending(self, actor: Member, target: Member, when: tuple[str, ...]) -> str | None:
        """Why the target may not be suspended or removed."""
        if (code := self._entry(actor)) is not None:
            return code
        if target.status not in when:
            return "CONFLICT"
        if actor is target:
            return "FORBIDDEN"
        return "LAST_ADMINISTRATOR" if self.administrators() == [target.name] else None

    def suspend(self, actor: Member, target: Member) -> str | None:
        """Suspend the target."""
        code = self.against_ending(actor, target, (ACTIVE,))
        target.status = target.status if code else SUSPENDED
        return code

    def reactivate(self, actor: Member, target: Member) -> str | None:
        """Let the target in again."""
        code = self._entry(actor) or (None if target.status == SUSPENDED else "CONFLICT")
        target.status = target.status if code else ACTIVE
        return code

    def remove(self, actor: Member, target: Member) -> str | None:
        """Remove the target."""
        code = self.against_ending(actor, target, (ACTIVE, SUSPENDED))
        if code is None:
            self._end(target)
        return code

    def leave(self, actor: Member) -> str | None:
        """Let somebody leave."""
        if actor.status == REMOVED:
            return "NOT_FOUND"
        if self.administrators() == [actor.name]:
            return "LAST_ADMINISTRATOR"
        self._end(actor)
        return None

    def transfer(self, actor: Member, target: Member) -> str | None:
        """Hand the organization over."""
        if (code := self._entry(actor)) is not None:
            return code
        if actor is target:
            return "INVALID_INPUT"
        if target.status != ACTIVE:
            return "CONFLICT"
        target.grants[HOLDER] = None
        del actor.grants[HOLDER]
        self._end_held_requests(target)
        return None

    def ask(self, actor: Member, key: str, id: str) -> str | None:
        """Let somebody ask for a role or right; `id` is what a request gets that is made."""
        if actor.status == REMOVED:
            return "NOT_FOUND"
        if actor.status == SUSPENDED:
            return "FORBIDDEN"
        held = actor.held(self.now)
        if any(until is None and key in {own, *OF_ROLE.get(own, ())} for own, until in held.items()):
            return "CONFLICT"
        if any(request.of is actor and request.key == key and request.is_open(self.now) for request in self.requests):
            return "CONFLICT"
        self.requests.append(AccessRequest(id, actor, key, self.now + LIFETIME))
        return None

    def decide(self, actor: Member, request: AccessRequest, *, approve: bool) -> str | None:
        """Decide a request."""
        if (code := self._entry(actor)) is not None:
            return code
        if not request.is_open(self.now) or request.of.status != ACTIVE:
            return "CONFLICT"
        request.status = "APPROVED" if approve else "DECLINED"
        if approve:
            request.of.grants[request.key] = None
            self._end_held_requests(request.of)
        return None

    def withdraw(self, actor: Member, request: AccessRequest) -> str | None:
        """Take a request back."""
        if actor.status == REMOVED or (request.of is not actor and not self.manages(actor)):
            return "NOT_FOUND"
        if request.of is not actor or not request.is_open(self.now):
            return "CONFLICT"
        request.status = "WITHDRAWN"
        return None

    def _end_held_requests(self, member: Member) -> None:
        """Approve what somebody waits for and now holds without an end anyway."""
        held = {own for key, until in member.grants.items() if until is None for own in (key, *OF_ROLE.get(key, ()))}
        for request in self.requests:
            if request.of is member and request.is_open(self.now) and request.key in held:
                request.status = "APPROVED"

    def _entry(self, actor: Member) -> str | None:
        if actor.status == REMOVED:
            return "NOT_FOUND"
        return None if self.manages(actor) else "FORBIDDEN"

    def _end(self, member: Member) -> None:
        member.status, member.grants = REMOVED, {}
        for request in self.requests:
            if request.of is member and request.is_open(self.now):
                request.status = "WITHDRAWN"

"""What one request knows: who asks, when, in which language, and the back ends it may ask."""

from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from connectors.applications.interface import Applications
from connectors.directory.directory import Directory
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.people import UserRecord
from connectors.directory.standings import StandingsOnDemand
from connectors.external_ids import ExternalIds
from connectors.files.interface import Files
from connectors.identity.interface import Accounts
from connectors.identity.seals import Seals
from connectors.identity.tokens import AccessTokens
from connectors.ids import MembershipId, OrganizationId, UserId
from connectors.mail.interface import Mailer
from connectors.rate_limits.interface import RateLimits
from connectors.shop.interface import Shop
from connectors.values import Localized
from connectors.wanted import NOTHING, Wanted, altered
from permissions.access_rules import AccessRule
from permissions.decision import may
from permissions.policy import Policy
from permissions.viewer import Viewer
from permissions.vocabulary import Permission
from resolvers.languages import Reader, reader_of
from resolvers.mail.wording import MailWording
from resolvers.portal.facts import Domain, PortalFacts, SignInMethod
from resolvers.texts import Text
from resolvers.viewer import viewer_of

if TYPE_CHECKING:
    from connectors.cache.fetches import CachedFetch
    from connectors.http.client import HttpBackend


@dataclass(frozen=True, slots=True)
class Portal:
    """What the portal says of itself: by language its title, and how to reach the vendor; where it is, as browsers
    see it; and the address that its mails come from.

    `facts` are what its profile says besides; `sign_in_methods` and `domains` are what is configured.
    `page_urls` says by kind of page where links of mails lead, with `{token}` for the secret; `portal` is the start.
    `default_locale` and `time_zone` are those of people of whom nothing else is known.
    """

    title: Localized = field(default_factory=lambda: {"en": "Forecourt"})
    contact: Localized = field(default_factory=dict)
    facts: PortalFacts = field(default_factory=PortalFacts)
    sign_in_methods: tuple[SignInMethod, ...] = ()
    domains: tuple[Domain, ...] = ()
    address: str = "http://localhost:8000"
    sender: str = "noreply@localhost"
    page_urls: Mapping[str, str] = field(default_factory=lambda: {"portal": "http://localhost:8000"})
    default_locale: str = "en"
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Backends:
    """The applications behind the gateway, each behind its interface.

    `refresh_reuse` is how long a refresh token may be used again after its first use; nothing switches that off.
    `file_links_for` is how long a link to a file counts.
    `extensions` are those that extensions have brought along, by name; `kept` keeps the answers of some, and
    `external_ids` say who is who there.
    """

    directory: Directory
    accounts: Accounts
    shop: Shop
    applications: Applications
    rate_limits: RateLimits
    mailer: Mailer
    tokens: AccessTokens
    seals: Seals
    files: Files
    portal: Portal = field(default_factory=Portal)
    mail_wording: MailWording = field(default_factory=MailWording)
    refresh_reuse: timedelta = timedelta(seconds=10)
    file_links_for: timedelta = timedelta(minutes=5)
    extensions: Mapping[str, "HttpBackend"] = field(default_factory=dict)
    kept: Mapping[str, "CachedFetch"] = field(default_factory=dict)
    external_ids: ExternalIds | None = None


@dataclass(frozen=True, slots=True)
class ViewAs:
    """As whom a request sees the portal without being them, and who does (`by`), as names.

    `withheld` is what the member may do and the view does not show. Contact details of people are shown only with
    `shows_contacts`, the member's own too.
    """

    membership_id: MembershipId
    display_name: str
    by: str
    shows_contacts: bool
    withheld: tuple[Permission, ...]


ReadPeople = Callable[[Sequence[UserId], Wanted[UserRecord]], Awaitable[Sequence[UserRecord | None]]]
"""Reads these people, each as the caller sees them, and of each what is wanted."""


class People:
    """Who was read in one operation that changes nothing, so that nobody is read twice, wherever they occur.

    Of everybody the same is read: what is wanted of people anywhere in the operation.
    """

    __slots__ = ("_reading", "_users", "_views", "_wanted")

    def __init__(self) -> None:
        self._users: dict[UserId, UserRecord | None] = {}
        self._reading: dict[UserId, Future[None]] = {}
        self._views: dict[tuple[UserId, OrganizationId | None], UserRecord] = {}
        self._wanted: Wanted[UserRecord] = NOTHING

    async def read(
        self, read: ReadPeople, ids: Collection[UserId], wanted: Wanted[UserRecord]
    ) -> Mapping[UserId, UserRecord | None]:
        """Return everybody read so far, these users among them; who is being read already is waited for."""
        self._want(wanted)
        users, reading = self._users, self._reading
        while unread := [id for id in ids if id not in users]:
            if missing := [id for id in unread if id not in reading]:
                await self._read(read, missing, users, reading)
            else:
                await reading[unread[0]]
        return users

    def known(self, ids: Set[UserId], wanted: Wanted[UserRecord]) -> Mapping[UserId, UserRecord | None] | None:
        """Return what `read` does where none of these users has to be read, else None."""
        self._want(wanted)
        users = self._users
        return users if users.keys() >= ids else None

    def know(self, users: Iterable[UserRecord], wanted: Wanted[UserRecord]) -> None:
        """Take note of people who were read along with something else, as far as is wanted."""
        self._want(wanted)
        if wanted.covers(self._wanted):
            self._users |= {user.id: user for user in users}

    def _want(self, wanted: Wanted[UserRecord]) -> None:
        """Forget everybody of whom less was read than is wanted now."""
        if not self._wanted.covers(wanted):
            self._wanted |= wanted
            self._users, self._reading, self._views = {}, {}, {}

    async def _read(
        self,
        read: ReadPeople,
        ids: Sequence[UserId],
        users: dict[UserId, UserRecord | None],
        reading: dict[UserId, Future[None]],
    ) -> None:
        done: Future[None] = get_running_loop().create_future()
        reading |= dict.fromkeys(ids, done)
        try:
            users |= zip(ids, await read(ids, self._wanted), strict=True)
        finally:
            # After a failure, whoever waits for the same people asks for them and reports their own failure.
            for id in ids:
                del reading[id]
            if not done.done():
                done.set_result(None)

    def view(self, user: UserRecord, organization_id: OrganizationId | None) -> UserRecord:
        """Return the person as seen through the organization."""
        if user.seen_in == organization_id:
            return user
        index = user.id, organization_id
        view = self._views.get(index)
        if view is None:
            view = self._views[index] = altered(user, seen_in=organization_id)
        return view


_NOWHERE = OrganizationId("")


@dataclass(slots=True, weakref_slot=True)
class RequestContext:
    """What one request knows; `caller` is None for somebody who is not signed in.
    `viewer_before` is who they were before the change whose payload is answered, None where nothing is changed.

    `now` is the instant at which the request is decided, the same for all of it. `deadline`, in seconds of
    `time.monotonic`, is when what has not been answered fails; None for never. `discloses` is how much a refusal may
    explain. `languages` are the caller's, best first; `chosen_language` was chosen for this request and comes before
    the one of their profile. `loaders` belongs to the execution on graphql-core, `introspection` to the gateway: how
    much of the schema the request may see. `unenforced` is None unless a dry run is on (see docs/permissions.md): the
    refusals that were not enforced, in the order in which the fields were met. With `view_as`, caller and viewer are
    those of a member whom somebody else looks as: nothing may be changed, and nothing be shown that is for the member
    alone. `standings_on_demand` are those of a caller in many organizations, in an operation that changes nothing; None
    where all are read. `people` are those read so far by an operation that changes nothing; None where something may
    change. `device_token` is by what the device was known that the request comes from, and of those issued, the last
    goes back with the answer; see devices.py.
    `not_accepted` is why an access token that was sent does not count, though the request is answered.
    """

    backends: Backends
    policy: Policy
    now: datetime
    request_id: str
    languages: Sequence[str] = ()
    chosen_language: str | None = None
    ip_address: str | None = None
    device: str = ""
    caller: CallerRecord | None = None
    viewer: Viewer | None = None
    viewer_before: Viewer | None = None
    loaders: dict[Any, Any] = field(default_factory=dict)
    introspection: Any = None
    unenforced: list[Any] | None = None
    view_as: ViewAs | None = None
    deadline: float | None = None
    discloses: Literal["none", "code", "permission", "full"] = "full"
    people: People | None = None
    standings_on_demand: StandingsOnDemand | None = None
    device_token: str | None = None
    issued_device_tokens: list[str] = field(default_factory=list)
    not_accepted: Exception | None = None

    @property
    def only_reads(self) -> bool:
        """Whether nothing changes in this operation, so that what was read for it once holds to its end."""
        return self.people is not None

    def may(self, rule: AccessRule, organization_id: str | None = None) -> bool:
        """Return whether the caller holds what the rule asks for in the organization, or as vendor staff."""
        return may(self.viewer, rule, organization_id, self.now)

    def may_see(self, rule: AccessRule, organization_id: str | None = None) -> bool:
        """Return whether the caller may read what the rule guards; in a payload, also what its change took away."""
        if may(self.viewer, rule, organization_id, self.now):
            return True
        before = self.viewer_before
        is_same = before is not None and self.viewer is not None and before.user_id == self.viewer.user_id
        return is_same and may(before, rule, organization_id, self.now)

    async def learn(self, organization_ids: Collection[OrganizationId] | None) -> None:
        """Read what the caller holds in these organizations, None for all of theirs, unless it is known.

        Until then, `StandingsUnread` is raised at whoever asks. A field that raises it is
        answered again (see schema/graph/answering.py), so this is for what would otherwise be learnt one by one.
        """
        if self.standings_on_demand is not None:
            await self.standings_on_demand.learn(organization_ids)

    async def learn_of_found(self, records: Iterable[Any]) -> None:
        """Read what the caller holds in the organizations of records that were looked up by ids from outside, with None
        among them for what there is not.

        It takes the same statements whether there is such a record in somebody else's organization or none at all, so
        that nobody learns which from the time that it takes.
        """
        if self.standings_on_demand is not None:
            ids = (record.organization_id if record is not None else None for record in records)
            await self.standings_on_demand.learn([id or _NOWHERE for id in ids], where_none_too=True)

    async def renew(self) -> CallerRecord | None:
        """Read the caller again, so that the rest of the request is that of who they are after a change."""
        caller = self.caller
        if caller is not None:
            self.become(await self.backends.directory.caller(caller.user.id, caller.session_id, self.now))
        return self.caller

    @property
    def reader(self) -> Reader:
        """Return who reads the answer: in the first of their languages that Forecourt speaks, else in the portal's."""
        portal = self.backends.portal
        own = self.caller.user.time_zone if self.caller is not None and self.view_as is None else None
        return reader_of([*self.languages, portal.default_locale], own or portal.time_zone)

    def in_words(self, text: Text | str) -> str:
        """Return a text as the answer to this request has it; what is no Text is for developers, and stays English."""
        return text.to(self.reader) if isinstance(text, Text) else text

    def become(self, caller: CallerRecord | None) -> None:
        """Let the rest of the request be that of this caller: after signing in, or out (None)."""
        self.caller = caller
        self.viewer = viewer_of(caller, self.policy) if caller is not None else None
        standings = caller.standings if caller is not None else None
        self.standings_on_demand = standings if type(standings) is StandingsOnDemand else None
        if caller is not None and caller.user.locale is not None:
            chosen = [self.chosen_language] if self.chosen_language is not None else []
            self.languages = [*chosen, caller.user.locale, *self.languages[len(chosen) :]]

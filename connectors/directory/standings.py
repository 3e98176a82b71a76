"""What somebody in many organizations holds: read for the organizations that a request shows, once it needs them.

Exception
    StandingsUnread         somebody asked without waiting for what has not been read; nobody gets a silent no
"""

from asyncio import Lock
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from operator import attrgetter

from connectors.directory.records.caller import StandingRecord
from connectors.ids import OrganizationId, UserId

ReadStandings = Callable[[Sequence[OrganizationId] | None], Awaitable[Sequence[StandingRecord]]]
ReadStandingsBeside = Callable[[Sequence[UserId]], Awaitable[Sequence[StandingRecord]]]

_MEMBERSHIP = attrgetter("membership_id")


class StandingsUnread(Exception):
    """It has not been read what somebody holds in this organization, or in all of theirs (None); see `learn`."""

    def __init__(self, organization_id: OrganizationId | None) -> None:
        super().__init__(f"Nobody has read what the caller holds in {organization_id or 'all of their organizations'}.")
        self.organization_id = organization_id


class StandingsOnDemand(Mapping[OrganizationId, StandingRecord]):
    """The standings of one person by organization, as far as they have been read.

    `known` has None for where it is known that there is none. They belong to one request and end with it: whatever is
    asked for is read from the directory then, and not again.
    """

    def __init__(
        self,
        known: Mapping[OrganizationId, StandingRecord | None],
        read: ReadStandings,
        read_beside: ReadStandingsBeside,
    ) -> None:
        self._known = dict(known)
        self._read = read
        self._read_beside = read_beside
        self._are_all_known = False
        # Fields of one level need the same organizations; whoever comes second finds them read.
        self._one_at_a_time = Lock()

    def __getitem__(self, organization_id: OrganizationId) -> StandingRecord:
        standing = self._known.get(organization_id)
        if standing is not None:
            return standing
        if self._are_all_known or organization_id in self._known:
            raise KeyError(organization_id)
        raise StandingsUnread(organization_id)

    def __iter__(self) -> Iterator[OrganizationId]:
        if not self._are_all_known:
            raise StandingsUnread(None)
        return iter(self._known)

    def __len__(self) -> int:
        if not self._are_all_known:
            raise StandingsUnread(None)
        return len(self._known)

    async def learn(self, organization_ids: Collection[OrganizationId] | None, *, where_none_too: bool = False) -> None:
        """Read what the person holds in these organizations, None for all of theirs, unless that is known.

        With `where_none_too`, it is read again where nothing was held.

        Raises:
            BackendUnavailable: The directory does not answer; what was not read stays unread.
        """
        async with self._one_at_a_time:
            if self._are_all_known:
                return
            if organization_ids is None:
                self._know(await self._read(None), ())
                standings = [one for one in self._known.values() if one is not None]
                self._known = {one.organization_id: one for one in sorted(standings, key=_MEMBERSHIP)}
                self._are_all_known = True
                return
            known = self._known
            unread = [id for id in organization_ids if (known.get(id) is None if where_none_too else id not in known)]
            if unread:
                self._know(await self._read(unread), unread)

    async def learn_beside(self, people: Sequence[UserId]) -> Collection[OrganizationId]:
        """Return the organizations of the person that know one of these people, and know what the person holds there.

        Raises:
            BackendUnavailable: The directory does not answer.
        """
        async with self._one_at_a_time:
            found = await self._read_beside(people)
            if not self._are_all_known:
                self._know(found, ())
            return [one.organization_id for one in found]

    def _know(self, found: Sequence[StandingRecord], asked: Collection[OrganizationId]) -> None:
        """Take note of what was read; what is known already stays, so that one answer is of one mind."""
        read: dict[OrganizationId, StandingRecord | None] = dict.fromkeys(asked)
        self._known = read | {one.organization_id: one for one in found} | self._known

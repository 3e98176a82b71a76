"""Saying which id stands for an organization or a person in another back end. Operators do it, by command."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.directory.directory import DirectoryChange, DirectoryQueries
from connectors.directory.external_ids import Owner, external_key
from connectors.directory.records.audit import Author
from connectors.directory.records.external_ids import ExternalIdRecord
from connectors.ids import OrganizationId, UserId
from connectors.values import login_key
from permissions.policy import nearest
from resolvers.context import RequestContext
from resolvers.transactions import MASKED, changed

LONGEST = 200


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which id stands in the back end for an organization or a person; None, again the one that the rule gives.

    The organization is named by its customer number or id, the person by their e-mail address or id. `line` is that of
    the file in which it is said.
    """

    backend: str
    organization: str | None
    person: str | None
    external_id: str | None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Assigned:
    """How many mappings were made, changed, removed, and were so already."""

    made: int
    changed: int
    removed: int
    unchanged: int


class AssignmentsRefused(Exception):
    """Nothing was mapped; `problems` are all that is wrong, each with the line where it stands."""

    def __init__(self, problems: Sequence[tuple[int | None, str]]) -> None:
        super().__init__("; ".join(message for _, message in problems))
        self.problems = problems


async def assign(
    context: RequestContext, assignments: Sequence[Assignment], *, backends: Collection[str], is_dry_run: bool = False
) -> Assigned:
    """Map all of these, or nothing; ids may be exchanged among them. A dry run finds the same problems.

    `backends` are those that there are. A mapping in one that is gone can still be removed.

    Raises:
        AssignmentsRefused: With all that is wrong.
    """

    async def command(change: DirectoryChange) -> Assigned:
        plan = _Plan(backends)
        owners = await _owners(change.ask, assignments, plan)
        await _lock_people(change, assignments, owners, plan)
        plan.check(assignments, owners)
        wanted = {
            (one.backend, owner): one.external_id and external_key(owner, one.external_id)
            for one, owner in zip(assignments, owners, strict=True)
            if owner is not None
        }
        records = await change.ask.external_ids(list(dict.fromkeys(owner for _, owner in wanted)))
        now = {(one.backend, one.owner_id): one.external_id for one in records}
        await plan.check_holders(change.ask, assignments, owners, wanted)
        if plan.problems:
            raise AssignmentsRefused(sorted(plan.problems, key=lambda problem: problem[0] or 0))
        different = {key: new for key, new in wanted.items() if now.get(key) != new}
        before = [ExternalIdRecord(*key, now[key]) for key in different if key in now]
        after = [ExternalIdRecord(*key, new) for key, new in different.items() if new]
        if not is_dry_run:
            await change.map_external_ids(before, after)
            for (backend, owner), new in different.items():
                await _record(context, change, backend, owner, now.get((backend, owner)), new)
        both = len(before) + len(after) - len(different)
        return Assigned(len(after) - both, both, len(before) - both, len(wanted) - len(different))

    return await changed(context, command)


async def _owners(directory: DirectoryQueries, assignments: Sequence[Assignment], plan: "_Plan") -> list[Owner | None]:
    """Return who is meant by each assignment, None where it is nobody, which is noted."""
    names = {one.organization for one in assignments if one.organization}
    organizations: dict[str, Owner] = {
        record.customer_number: record.id
        for record in await directory.organizations_with_numbers(sorted(names))
        if record is not None and record.customer_number
    }
    organizations |= {
        record.id: record.id
        for record in await directory.organizations([OrganizationId(one) for one in names if one.startswith("org_")])
        if record is not None
    }
    called = {one.person for one in assignments if one.person}
    addresses = sorted({login_key(one) for one in called})
    people: dict[str, Owner] = {
        login_key(record.email): record.id
        for record in await directory.users_with_email(addresses)
        if record is not None
    }
    people |= {
        record.id: record.id
        for record in await directory.users([UserId(one) for one in called if one.startswith("usr_")])
        if record is not None
    }
    found: list[Owner | None] = []
    for one in assignments:
        owner: Owner | None = None
        if bool(one.organization) is bool(one.person):
            plan.note(one, "name an organization or a person, one of them")
        elif one.organization:
            owner = organizations.get(one.organization)
            if owner is None:
                plan.note(one, f'there is no organization with the customer number or id "{one.organization}"')
        elif one.person:
            owner = people.get(one.person) or people.get(login_key(one.person))
            if owner is None:
                plan.note(one, f'there is nobody with the confirmed e-mail address or id "{one.person}"')
        found.append(owner)
    return found


async def _lock_people(
    change: DirectoryChange, assignments: Sequence[Assignment], owners: Sequence[Owner | None], plan: "_Plan"
) -> None:
    """Keep the people among them as they are, so that nobody is mapped who is being erased, which is noted."""
    people = sorted({UserId(one) for one in owners if one is not None and one.startswith("usr_")})
    gone = {user.id for user in await change.lock_users(people) if user is not None and user.is_deleted}
    for one, owner in zip(assignments, owners, strict=True):
        if owner in gone:
            plan.note(one, f"{_named(one)} has deleted their account")


class _Plan:
    """Finds all that is wrong with assignments."""

    def __init__(self, backends: Collection[str]) -> None:
        self.problems: list[tuple[int | None, str]] = []
        self._backends = backends

    def note(self, one: Assignment, problem: str) -> None:
        """Note what is wrong with one of them."""
        self.problems.append((one.line, problem))

    def check(self, assignments: Sequence[Assignment], owners: Sequence[Owner | None]) -> None:
        """Note what is wrong with back ends and ids, and what is said twice."""
        said: dict[tuple[str, Owner], Assignment] = {}
        given: dict[tuple[str, bool, str], Assignment] = {}
        for one, owner in zip(assignments, owners, strict=True):
            external_id = one.external_id
            if external_id is not None and one.backend not in self._backends:
                self.note(one, f'there is no back end "{one.backend}"{nearest(one.backend, sorted(self._backends))}')
            if external_id is not None and (problem := _problem_of(external_id)):
                self.note(one, problem)
                continue
            if owner is None:
                continue
            earlier = said.setdefault((one.backend, owner), one)
            if earlier is not one:
                self.note(one, f"line {earlier.line} says already what stands for {_named(one)} in {one.backend}")
            elif external_id is not None:
                key = (one.backend, owner.startswith("usr_"), external_key(owner, external_id))
                other = given.setdefault(key, one)
                if other is not one:
                    self.note(
                        one,
                        f'"{external_id}" stands for {_named(other)} by line {other.line}; it can stand for one only',
                    )

    async def check_holders(
        self,
        directory: DirectoryQueries,
        assignments: Sequence[Assignment],
        owners: Sequence[Owner | None],
        wanted: Mapping[tuple[str, Owner], str | None],
    ) -> None:
        """Note which ids stand for somebody else already who keeps theirs."""
        for backend, of_people in sorted({(key[0], key[1].startswith("usr_")) for key in wanted}):
            asked = [
                (one, owner, external_key(owner, one.external_id))
                for one, owner in zip(assignments, owners, strict=True)
                if owner is not None and one.external_id and one.backend == backend
                if owner.startswith("usr_") is of_people
            ]
            held = await directory.external_id_holders(backend, [id for _, _, id in asked], of_people=of_people)
            for (one, owner, id), holder in zip(asked, held, strict=True):
                if holder is not None and holder != owner and wanted.get((backend, holder), id) == id:
                    self.note(
                        one,
                        f'"{id}" stands for {holder} in {backend}; give that one another id, or unset it, first',
                    )


async def _record(
    context: RequestContext, change: DirectoryChange, backend: str, owner: Owner, before: str | None, after: str | None
) -> None:
    """Put a change on record; a person's id may be their address, and nothing is ever erased from the log."""
    is_person = owner.startswith("usr_")
    values = [{"backend": backend, "external_id": MASKED if is_person else id} if id else {} for id in (before, after)]
    by, where = Author(None, context.request_id), None if is_person else OrganizationId(owner)
    if after:
        entry = by.entry("external_id.set", owner, where, before=values[0], after=values[1])
    else:
        entry = by.entry("external_id.unset", owner, where, before=values[0])
    await change.record(entry, context.now)


def _problem_of(external_id: str) -> str | None:
    if not external_id:
        return "the id is empty; to go back to the rule, use `forecourt external-ids unset`"
    if len(external_id) > LONGEST or not external_id.isprintable():
        return f"an id has at most {LONGEST} characters, all of which can be seen"
    return None


def _named(one: Assignment) -> str:
    return one.organization or one.person or ""


def first_problems(problems: Iterable[tuple[int | None, str]], most: int) -> list[str]:
    """Return the problems as lines for people, so many at most, and how many more there are."""
    lines = [f"line {line}: {problem}" if line is not None else problem for line, problem in problems]
    rest = len(lines) - most
    return [*lines[:most], f"… and {rest} more"] if rest > 0 else lines

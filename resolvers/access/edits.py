"""What somebody wants a member to hold afterwards, checked as far as that needs nobody else."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from connectors.directory.records.access import GrantKind
from connectors.ids import MembershipId
from permissions.vocabulary import Permission
from resolvers.context import RequestContext
from resolvers.refusals import Invalid, excerpt
from resolvers.texts import Text
from resolvers.validation import Misread, Together, instant, message, together

MOST_LISTED = 100
LONGEST_REASON = 500

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What is left out of an edit, so that it stays as it is."""


UNCHANGED = Unchanged()


@dataclass(frozen=True, slots=True)
class GrantEnd:
    """When one role or one direct permission of those held afterwards ends; None: it does not."""

    role_key: str | None
    permission: Permission | None
    valid_until: datetime | Misread | None


@dataclass(frozen=True, slots=True)
class AccessEdit:
    """What a member is to hold afterwards: `role_keys` and `permissions` are the whole set, None stays as it is.

    `permissions` are the direct permissions that are on. `valid_until` is the end of all that is listed in them; left
    unchanged, what is held keeps its end and what is new has none. `ends` say it of one role or right alone.
    `path` is where the edit stands in the input.
    """

    membership_id: MembershipId
    expected_version: int | None = None
    role_keys: tuple[str, ...] | None = None
    permissions: tuple[Permission, ...] | None = None
    valid_until: datetime | Misread | Unchanged | None = UNCHANGED
    ends: tuple[GrantEnd, ...] = ()
    reason: str | None = None
    path: tuple[str, ...] = ()

    def at(self, *steps: str | int) -> list[str]:
        """Return the path of a part of the edit."""
        return [*self.path, *map(str, steps)]

    def end_of(self, kind: GrantKind, key: str, held_until: datetime | None, *, is_listed: bool) -> datetime | None:
        """Return when a role or right ends afterwards that ends at `held_until` if nothing is said."""
        for end in self.ends:
            if key == (end.role_key if kind is GrantKind.ROLE else end.permission):
                return instant(end.valid_until, [])
        return held_until if isinstance(self.valid_until, Unchanged) or not is_listed else instant(self.valid_until, [])


def check_edit(context: RequestContext, edit: AccessEdit) -> None:
    """Return when the edit could be made of somebody.

    Raises:
        RefusedTogether: Unknown or repeated roles, instants in the past, ends of nothing, or nothing to change.
    """
    with together() as found:
        _check_listed(found, edit.role_keys, lambda key: key, edit.at("role_keys"))
        _check_listed(found, edit.permissions, lambda right: right, edit.at("permissions"))
        _check_listed(found, edit.ends, lambda end: (end.role_key, end.permission), edit.at("ends"))
        for number, key in enumerate((edit.role_keys or ())[:MOST_LISTED]):
            found.check(partial(known_role, context, key, edit.at("role_keys", number)))
        if not isinstance(edit.valid_until, Unchanged):
            found.check(partial(future, context, edit.valid_until, edit.at("valid_until")))
            if edit.role_keys is None and edit.permissions is None:
                found.refusals.append(
                    Invalid(
                        Text("List in `roleKeys` or `permissions` what ends then, or use `ends` for a single one."),
                        edit.at("valid_until"),
                        "with roleKeys or permissions",
                    )
                )
        for number, end in enumerate(edit.ends[:MOST_LISTED]):
            found.check(partial(_check_end, context, end, edit.at("ends", number)))
        found.check(partial(message, edit.reason, edit.at("reason"), LONGEST_REASON))
        if edit.role_keys is None and edit.permissions is None and not edit.ends and not found.refusals:
            found.refusals.append(
                Invalid(
                    Text("Give `roleKeys`, `permissions` or `ends`; all three are missing."),
                    edit.at("role_keys"),
                    "a change",
                )
            )


def known_role(context: RequestContext, key: str, path: Sequence[str]) -> str:
    """Return the key of a role that there is."""
    if key not in context.policy.roles:
        raise Invalid(no_such_role(context, key), path, "a role of this portal")
    return key


def no_such_role(context: RequestContext, key: str) -> Text:
    """Return the words for a key that is no role's; whoever reads them has to write another key."""
    return Text(
        "There is no role with the key “{key}”. Use one of these: {keys}.",
        key=excerpt(key),
        keys=", ".join(context.policy.roles),
    )


def future(context: RequestContext, written: datetime | Misread | None, path: list[str]) -> datetime | None:
    """Return an instant that is still to come, or None."""
    until = instant(written, path)
    if until is not None and until <= context.now:
        raise Invalid(
            Text("This date has passed. Choose one in the future, or none for no end."), path, "in the future"
        )
    return until


def _check_end(context: RequestContext, end: GrantEnd, path: list[str]) -> None:
    if (end.role_key is None) == (end.permission is None):
        raise Invalid(Text("Name either a role or a direct permission."), path, "roleKey or permission")
    with together() as found:
        if end.role_key is not None:
            found.check(partial(known_role, context, end.role_key, [*path, "role_key"]))
        found.check(partial(future, context, end.valid_until, [*path, "valid_until"]))


def _check_listed(
    found: Together, listed: Sequence[T] | None, name_of: Callable[[T], Hashable], path: list[str]
) -> None:
    entries = listed or ()
    if len(entries) > MOST_LISTED:
        found.refusals.append(
            Invalid(
                Text("List at most {most} entries; these are {given}.", most=MOST_LISTED, given=len(entries)),
                path,
                f"length 0..{MOST_LISTED}",
            )
        )
        return
    seen: set[Hashable] = set()
    for number, entry in enumerate(entries):
        if name_of(entry) in seen:
            found.refusals.append(
                Invalid(Text("This appears in the list twice; remove one of them."), [*path, str(number)], "each once")
            )
        seen.add(name_of(entry))

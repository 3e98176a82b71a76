"""Roles and what they give: read from a profile's ``policy.toml`` and checked before anything is served."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from permissions.toml_positions import TomlPositions, parser_problem
from permissions.viewer import Grant, Standing
from permissions.vocabulary import CUSTOMER_CODES, VENDOR_PERMISSIONS, Permission, mask_of

MOST_ROLES = 50
"""So many roles a policy may have, so no list of roles is longer."""

MOST_SOURCES = MOST_ROLES + 1
"""So many grants may give somebody one permission: each role, and the direct permission."""


class InvalidPolicy(Exception):
    """The policy cannot be used; the message says where and what to write instead."""


@dataclass(frozen=True, slots=True)
class Role:
    """A set of permissions with a name, delegated as one.

    `assignable` are the keys of the roles that a holder may delegate. With `administrative`, the role holds the
    organization: an active organization always keeps a member with such a role. `mask` is its permissions as a set of
    bits.
    """

    key: str
    labels: Mapping[str, str]
    descriptions: Mapping[str, str]
    permissions: tuple[Permission, ...]
    administrative: bool
    member_assignable: bool
    assignable: tuple[str, ...]
    mask: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Compile the permissions."""
        object.__setattr__(self, "mask", mask_of(self.permissions))


@dataclass(frozen=True, slots=True)
class Delegable:
    """The roles and direct permissions that may be given to others in an organization, and taken away; or none.

    `mask` is the permissions that they give together.
    """

    role_keys: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    mask: int = 0

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.role_keys or self.permissions)

    def has(self, *, role_key: str | None = None, permission: str | None = None) -> bool:
        """Return whether the role, or else the direct permission, is among them."""
        return role_key in self.role_keys if role_key is not None else permission in self.permissions


@dataclass(frozen=True, slots=True)
class Policy:
    """The roles of an installation, the rights that may be switched on singly, and the vendor's own permissions.

    `warnings` says from how many holders of a permission on one more deserves a warning. Who holds one of
    `view_as_organization` in an organization, or of `view_as_vendor` as the vendor's staff, may see the portal as a
    member would. `delegable` is what somebody in an organization may give, and so what makes sense to ask for. `kept`
    is where others keep what they have worked out under this policy, each under a name of its own; it goes with it.
    """

    roles: Mapping[str, Role]
    direct_permissions: tuple[Permission, ...]
    vendor_permissions: tuple[Permission, ...]
    customer_number_prefix: str | None
    warnings: Mapping[Permission, int]
    view_as_organization: tuple[Permission, ...] = ()
    view_as_vendor: tuple[Permission, ...] = ()
    delegable: Delegable = field(init=False, compare=False, repr=False)
    kept: dict[str, Any] = field(init=False, compare=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Compile what may be delegated."""
        delegating = [role for role in self.roles.values() if Permission.ROLE_ASSIGN in role.permissions]
        object.__setattr__(self, "delegable", self._delegable(delegating))

    def delegable_by(self, standing: Standing, now: datetime) -> Delegable:
        """Return what somebody may give to others in their organization, and take away: the one decision about it.

        Who holds ROLE_ASSIGN may delegate the roles that one of theirs lists as assignable, if they are
        member-assignable, and every right that may be switched on singly.
        """
        if not standing.held_at(now) & _ROLE_ASSIGN:
            return Delegable()
        return self._delegable([self.roles[key] for key in standing.roles_at(now) if key in self.roles])

    def delegable_roles_with(self, any_of: Iterable[Permission]) -> tuple[Role, ...]:
        """Return the roles that give one of these permissions and that somebody in an organization may delegate."""
        return tuple(role for role in self.roles_with(any_of) if role.key in self.delegable.role_keys)

    def _delegable(self, by: Iterable[Role]) -> Delegable:
        keys = {key for role in by for key in role.assignable}
        roles = [role for role in self.roles.values() if role.key in keys and role.member_assignable]
        mask = mask_of(self.direct_permissions)
        for role in roles:
            mask |= role.mask
        return Delegable(tuple(role.key for role in roles), self.direct_permissions, mask)

    def grant(self, grant_id: str, *, role_key: str | None, permission: str | None, until: datetime | None) -> Grant:
        """Return what a stored grant gives under this policy; a role or permission it does not know gives nothing."""
        if role_key is not None:
            role = self.roles.get(role_key)
            mask = role.mask if role is not None else 0
        else:
            mask = mask_of([Permission(permission)]) if permission and permission in CUSTOMER_CODES else 0
        return Grant(grant_id, role_key, mask, until)

    def labels_of(self, key: str) -> Mapping[str, str]:
        """Return what people call a role or a direct permission, by language; its key when it is not known any more."""
        if key in self.roles:
            return self.roles[key].labels
        return Permission(key).labels if key in Permission.__members__ else {"en": key}

    def roles_with(self, any_of: Iterable[Permission]) -> tuple[Role, ...]:
        """Return the roles that give at least one of these permissions, in the policy's order."""
        wanted = mask_of(any_of)
        return tuple(role for role in self.roles.values() if role.mask & wanted)

    def administrative_role_keys(self) -> tuple[str, ...]:
        """Return the keys of the roles that hold an organization."""
        return tuple(role.key for role in self.roles.values() if role.administrative)


_ROLE_ASSIGN = mask_of([Permission.ROLE_ASSIGN])
_ROLE_KEYS = ("label", "description", "permissions", "administrative", "member_assignable", "assignable")


def parse_policy(text: str, source: str, not_loaded: Sequence[str] = ()) -> Policy:
    """Return the policy that the TOML text describes; `source` is the file's name for messages.

    `not_loaded` are extensions that there are, though this process has no permissions of theirs.

    Raises:
        InvalidPolicy: With all problems, each with the file and the line, what is wrong there, and the nearest valid
            name.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line, problem = parser_problem(error, text)
        raise InvalidPolicy(f"{source}, line {line}: {problem}.") from error
    reader = _Reader(source, TomlPositions(text), not_loaded)
    policy = reader.policy(document)
    if not reader.problems:  # what was left out because of one would make others of itself
        reader.check_delegation(policy)
    if reader.problems:
        raise InvalidPolicy("\n".join(reader.problems))
    return policy


class _Reader:
    """Reads tables and notes of each problem where it stands and what would be right."""

    def __init__(self, source: str, positions: TomlPositions, not_loaded: Sequence[str]) -> None:
        self.source = source
        self.not_loaded = not_loaded
        self.positions = positions
        self.problems: list[str] = []

    def note(self, problem: str, *path: str) -> None:
        line = self.positions.line_of(*path)
        self.problems.append(f"{self.source}{f', line {line}' if line else ''}: {problem}.")

    def policy(self, document: Mapping[str, Any]) -> Policy:
        self.only_keys(document, "the file", ("roles", "rights", "vendor", "login", "warnings", "view_as"))
        roles_table = self.table(document, "roles")
        if not roles_table and isinstance(document.get("roles", {}), dict):
            self.note("there is no role; write at least one table such as [roles.administration]", "roles")
        if len(roles_table) > MOST_ROLES:
            self.note(f"there are {len(roles_table)} roles; {MOST_ROLES} are the most", "roles")
        rights, vendor, login = (self.table(document, name) for name in ("rights", "vendor", "login"))
        self.only_keys(rights, "[rights]", ("toggles",), "rights")
        self.only_keys(vendor, "[vendor]", ("permissions",), "vendor")
        self.only_keys(login, "[login]", ("customer_number_prefix",), "login")
        view_as = self.table(document, "view_as")
        self.only_keys(view_as, "[view_as]", ("organization", "vendor"), "view_as")
        prefix = login.get("customer_number_prefix")
        if prefix is not None and not (isinstance(prefix, str) and prefix.strip()):
            self.note('customer_number_prefix must be text such as "DOMUS_"', "login", "customer_number_prefix")
        return Policy(
            roles={key: self.role(key, value, tuple(roles_table)) for key, value in roles_table.items()},
            direct_permissions=self.permissions(rights.get("toggles", []), ("rights", "toggles"), vendor=False),
            vendor_permissions=self.permissions(vendor.get("permissions", []), ("vendor", "permissions"), vendor=True),
            customer_number_prefix=prefix,
            warnings=self.warnings(self.table(document, "warnings")),
            view_as_organization=self.permissions(
                view_as.get("organization", []), ("view_as", "organization"), vendor=False
            ),
            view_as_vendor=self.permissions(view_as.get("vendor", []), ("view_as", "vendor"), vendor=True),
        )

    def only_keys(self, table: Mapping[str, Any], section: str, known: Sequence[str], *path: str) -> None:
        for key in table:
            if key not in known:
                self.note(f'"{key}" is not known in {section}{nearest(key, known)}', *path, key)

    def table(self, document: Mapping[str, Any], key: str) -> dict[str, Any]:
        value = document.get(key, {})
        if not isinstance(value, dict):
            self.note(f'"{key}" must be a table; write [{key}]', key)
            return {}
        return value

    def role(self, key: str, table: Any, role_keys: Sequence[str]) -> Role:
        section, path = f"[roles.{key}]", ("roles", key)
        if not isinstance(table, dict):
            self.note(f"a role is a table; write {section}", *path)
            return Role(key, {}, {}, (), administrative=False, member_assignable=False, assignable=())
        self.only_keys(table, section, _ROLE_KEYS, *path)
        assignable = self.strings(table.get("assignable", []), (*path, "assignable"))
        for other in assignable:
            if other not in role_keys:
                problem = f'{section} may assign "{other}", which is no role{nearest(other, role_keys)}'
                self.note(problem, *path, "assignable", other)
        return Role(
            key=key,
            labels=self.texts(table, "label", section, path),
            descriptions=self.texts(table, "description", section, path),
            permissions=self.permissions(table.get("permissions", []), (*path, "permissions"), vendor=False),
            administrative=self.boolean(table, "administrative", path, default=False),
            member_assignable=self.boolean(table, "member_assignable", path, default=True),
            assignable=assignable,
        )

    def permissions(self, value: Any, path: Sequence[str], *, vendor: bool) -> tuple[Permission, ...]:
        codes = self.strings(value, path)
        known = [permission.value for permission in Permission if (permission in VENDOR_PERMISSIONS) == vendor]
        for code in codes:
            if code in known:
                continue
            if code in Permission.__members__:
                problem = (
                    "is a permission of customers and may not stand under [vendor]"
                    if vendor
                    else "belongs to the vendor's staff and may stand under [vendor] only"
                )
            else:
                problem = f"is no permission{self.nearest_permission(code, known)}"
            self.note(f'"{code}" in {_shown(path)} {problem}', *path, code)
        return tuple(Permission(code) for code in codes if code in known)

    def nearest_permission(self, code: str, known: Sequence[str]) -> str:
        owner = next((name for name in self.not_loaded if code.startswith(f"{name.upper()}_")), None)
        if owner is None:
            return nearest(code, known)
        return f"; it would be of the extension {owner}, which is not loaded; add it to extensions in profile.toml"

    def warnings(self, table: Mapping[str, Any]) -> dict[Permission, int]:
        known = {}
        for code, holders in table.items():
            if code not in CUSTOMER_CODES:
                problem = (
                    f'"{code}" in [warnings] is no permission{self.nearest_permission(code, sorted(CUSTOMER_CODES))}'
                )
                self.note(problem, "warnings", code)
            elif not isinstance(holders, int) or isinstance(holders, bool) or holders < 1:
                self.note(f"{code} in [warnings] must be a number of holders, 1 or more", "warnings", code)
            else:
                known[Permission(code)] = holders
        return known

    def check_delegation(self, policy: Policy) -> None:
        """Note where a role that members should delegate can never come to anybody."""
        roles = policy.roles
        administrative = policy.administrative_role_keys()
        if not administrative:
            self.note(
                "no role is administrative, so no organization could run itself; set administrative = true on one",
                "roles",
            )
            return
        first = f"[roles.{administrative[0]}]"
        delegating = {
            role.key: role.assignable for role in roles.values() if Permission.ROLE_ASSIGN in role.permissions
        }
        if policy.direct_permissions and not delegating:
            problem = f"nobody could switch these on: no role gives ROLE_ASSIGN; add it to permissions of {first}"
            self.note(problem, "rights", "toggles")
            return
        reached = _reachable(administrative, delegating)
        for role in roles.values():
            lists = [other.key for other in roles.values() if role.key in other.assignable]
            if role.assignable and role.key not in delegating:
                problem = (
                    f"[roles.{role.key}] may assign roles, but does not give ROLE_ASSIGN, without which nobody may"
                )
                remedy = "add ROLE_ASSIGN to its permissions, or empty the list"
                self.note(f"{problem}; {remedy}", "roles", role.key, "assignable")
            if not role.member_assignable and lists:
                problem = f"[roles.{lists[0]}] may assign {role.key}, which is not member_assignable"
                remedy = f"take it out, or set member_assignable = true in [roles.{role.key}]"
                self.note(f"{problem}; {remedy}", "roles", lists[0], "assignable", role.key)
            elif role.member_assignable and not lists:
                problem = f"nobody may assign {role.key}: it is in no list of assignable roles"
                remedy = f"add it to assignable of {first}, or set member_assignable = false"
                self.note(f"{problem}; {remedy}", "roles", role.key)
            elif role.member_assignable and role.key not in reached:
                problem = (
                    f"{role.key} is delegated by {' and '.join(lists)} only, which no administrative role delegates"
                )
                remedy = f"so nobody ever gets it; add it to assignable of {first}"
                self.note(f"{problem}, {remedy}", "roles", lists[0], "assignable", role.key)

    def strings(self, value: Any, path: Sequence[str]) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.note(f'{_shown(path)} must be a list of texts such as ["A", "B"]', *path)
            return ()
        for item in dict.fromkeys(value):
            if value.count(item) > 1:
                self.note(f'"{item}" stands twice in {_shown(path)}; remove one', *path, item)
        return tuple(dict.fromkeys(value))

    def texts(self, table: Mapping[str, Any], key: str, section: str, path: Sequence[str]) -> dict[str, str]:
        value = table.get(key)
        is_texts = isinstance(value, dict) and all(isinstance(text, str) and text for text in value.values())
        if not value or not isinstance(value, dict) or not is_texts:
            problem = f'{section} needs {key} in each language, such as {key} = {{ de = "…", en = "…", fr = "…" }}'
            self.note(problem, *path, key)
            return {}
        if "en" not in value:
            self.note(f"{key} of {section} needs a text in en, the language of last resort", *path, key)
        return value

    def boolean(self, table: Mapping[str, Any], key: str, path: Sequence[str], *, default: bool) -> bool:
        value = table.get(key, default)
        if not isinstance(value, bool):
            self.note(f"{_shown((*path, key))} must be true or false", *path, key)
            return default
        return value


def nearest(word: str, known: Sequence[str]) -> str:
    """Return the end of a message that refuses a word: the known one that is closest, else all of them."""
    close = difflib.get_close_matches(word.upper() if known and known[0].isupper() else word, known, n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; known are {', '.join(known)}"


def _reachable(start: Iterable[str], edges: Mapping[str, Sequence[str]]) -> set[str]:
    reached = set(start)
    waiting = list(reached)
    while waiting:
        for role_key in edges.get(waiting.pop(), ()):
            if role_key not in reached:
                reached.add(role_key)
                waiting.append(role_key)
    return reached


def _shown(path: Sequence[str]) -> str:
    return f"{path[-1]} of [{'.'.join(path[:-1])}]"

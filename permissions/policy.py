"""Roles and what they give: read from a profile's ``policy.toml`` and checked before anything is served."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from permissions.viewer import Grant
from permissions.vocabulary import VENDOR_PERMISSIONS, Permission, mask_of


class InvalidPolicy(Exception):
    """The policy cannot be used; the message says where and what to write instead."""


@dataclass(frozen=True, slots=True)
class Role:
    """A set of permissions with a name, handed out as one.

    `assignable` are the keys of the roles that a holder may hand out. With `administrative`, the role holds the
    organization: an active organization always keeps a member with such a role.
    """

    key: str
    labels: Mapping[str, str]
    descriptions: Mapping[str, str]
    permissions: tuple[Permission, ...]
    administrative: bool
    member_assignable: bool
    assignable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The roles of an installation, the rights that may be switched on singly, and the vendor's own permissions.

    `warnings` says from how many holders of a permission on one more deserves a warning (D28).
    """

    roles: Mapping[str, Role]
    toggles: tuple[Permission, ...]
    vendor_permissions: tuple[Permission, ...]
    customer_number_prefix: str | None
    warnings: Mapping[Permission, int]

    def grant(self, grant_id: str, *, role_key: str | None, permission: str | None, until: datetime | None) -> Grant:
        """Return what a stored grant gives under this policy; a role or permission it does not know gives nothing."""
        if role_key is not None:
            role = self.roles.get(role_key)
            mask = mask_of(role.permissions) if role is not None else 0
        else:
            mask = mask_of([Permission(permission)]) if permission in _CUSTOMER_CODES else 0
        return Grant(grant_id, role_key, mask, until)

    def roles_with(self, any_of: Iterable[Permission]) -> tuple[Role, ...]:
        """Return the roles that give at least one of these permissions, in the policy's order."""
        wanted = set(any_of)
        return tuple(role for role in self.roles.values() if wanted.intersection(role.permissions))

    def administrative_role_keys(self) -> tuple[str, ...]:
        """Return the keys of the roles that hold an organization."""
        return tuple(role.key for role in self.roles.values() if role.administrative)


_CUSTOMER_CODES = frozenset(permission.value for permission in Permission) - {p.value for p in VENDOR_PERMISSIONS}


def parse_policy(text: str, source: str) -> Policy:
    """Return the policy that the TOML text describes; `source` is the file's name for messages.

    Raises:
        InvalidPolicy: With the place, what is wrong there, and the nearest valid name.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicy(f"{source} is not valid TOML: {error}") from error
    reader = _Reader(source, text)
    reader.only_keys(document, "the file", ("roles", "rights", "vendor", "login", "warnings"))
    roles_table = reader.table(document, "roles", "the file")
    if not roles_table:
        raise reader.refusal("roles", "there is no role; write at least one table such as [roles.administration]")
    roles = {key: reader.role(key, value, tuple(roles_table)) for key, value in roles_table.items()}
    if not any(role.administrative for role in roles.values()):
        raise reader.refusal(
            "roles", "no role is administrative, so no company could run itself; set administrative = true on one"
        )
    rights = reader.table(document, "rights", "the file")
    reader.only_keys(rights, "[rights]", ("toggles",))
    vendor = reader.table(document, "vendor", "the file")
    reader.only_keys(vendor, "[vendor]", ("permissions",))
    login = reader.table(document, "login", "the file")
    reader.only_keys(login, "[login]", ("customer_number_prefix",))
    prefix = login.get("customer_number_prefix")
    if prefix is not None and not (isinstance(prefix, str) and prefix.strip()):
        raise reader.refusal("customer_number_prefix", 'it must be text such as "DOMUS_"')
    return Policy(
        roles=roles,
        toggles=reader.permissions(rights.get("toggles", []), "rights.toggles", vendor=False),
        vendor_permissions=reader.permissions(vendor.get("permissions", []), "vendor.permissions", vendor=True),
        customer_number_prefix=prefix,
        warnings=reader.warnings(reader.table(document, "warnings", "the file")),
    )


class _Reader:
    """Reads tables and says of each fault where it stands and what would be right."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.lines = text.splitlines()

    def refusal(self, word: str, problem: str) -> InvalidPolicy:
        line = next((number for number, line in enumerate(self.lines, 1) if word in line), None)
        return InvalidPolicy(f"{self.source}{f', line {line}' if line else ''}: {problem}.")

    def only_keys(self, table: Mapping[str, Any], place: str, known: Sequence[str]) -> None:
        for key in table:
            if key not in known:
                raise self.refusal(key, f'"{key}" is not known in {place}{_nearest(key, known)}')

    def table(self, document: Mapping[str, Any], key: str, place: str) -> dict[str, Any]:
        value = document.get(key, {})
        if not isinstance(value, dict):
            raise self.refusal(key, f'"{key}" in {place} must be a table; write [{key}]')
        return value

    def role(self, key: str, table: Any, role_keys: Sequence[str]) -> Role:
        place = f"[roles.{key}]"
        if not isinstance(table, dict):
            raise self.refusal(key, f"a role is a table; write {place}")
        known = ("label", "description", "permissions", "administrative", "member_assignable", "assignable")
        self.only_keys(table, place, known)
        assignable = self.strings(table.get("assignable", []), f"assignable of {place}")
        for other in assignable:
            if other not in role_keys:
                raise self.refusal(
                    f'"{other}"', f'{place} may assign "{other}", which is no role{_nearest(other, role_keys)}'
                )
        return Role(
            key=key,
            labels=self.texts(table, "label", place),
            descriptions=self.texts(table, "description", place),
            permissions=self.permissions(table.get("permissions", []), f"permissions of {place}", vendor=False),
            administrative=self.boolean(table, "administrative", place, default=False),
            member_assignable=self.boolean(table, "member_assignable", place, default=True),
            assignable=assignable,
        )

    def permissions(self, value: Any, place: str, *, vendor: bool) -> tuple[Permission, ...]:
        codes = self.strings(value, place)
        known = [permission.value for permission in Permission if (permission in VENDOR_PERMISSIONS) == vendor]
        for code in codes:
            if code in Permission.__members__ and code not in known:
                problem = (
                    "belongs to the vendor's staff and may stand under [vendor] only"
                    if not vendor
                    else ("is a permission of customers and may not stand under [vendor]")
                )
                raise self.refusal(f'"{code}"', f'"{code}" in {place} {problem}')
            if code not in known:
                raise self.refusal(f'"{code}"', f'"{code}" in {place} is no permission{_nearest(code, known)}')
        return tuple(Permission(code) for code in codes)

    def warnings(self, table: Mapping[str, Any]) -> dict[Permission, int]:
        for code, holders in table.items():
            if code not in _CUSTOMER_CODES:
                raise self.refusal(
                    code, f'"{code}" in [warnings] is no permission{_nearest(code, sorted(_CUSTOMER_CODES))}'
                )
            if not isinstance(holders, int) or isinstance(holders, bool) or holders < 1:
                raise self.refusal(code, f"{code} in [warnings] must be a number of holders, 1 or more")
        return {Permission(code): holders for code, holders in table.items()}

    def strings(self, value: Any, place: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refusal(
                place.split(".")[-1].split(" ")[0], f'{place} must be a list of texts such as ["A", "B"]'
            )
        for item in value:
            if value.count(item) > 1:
                raise self.refusal(f'"{item}"', f'"{item}" stands twice in {place}; remove one')
        return tuple(value)

    def texts(self, table: Mapping[str, Any], key: str, place: str) -> dict[str, str]:
        value = table.get(key)
        if (
            not isinstance(value, dict)
            or not value
            or not all(isinstance(text, str) and text for text in value.values())
        ):
            raise self.refusal(
                place, f'{place} needs {key} in each language, such as {key} = {{ de = "…", en = "…", fr = "…" }}'
            )
        if "en" not in value:
            raise self.refusal(place, f"{key} of {place} needs a text in en, the language of last resort")
        return value

    def boolean(self, table: Mapping[str, Any], key: str, place: str, *, default: bool) -> bool:
        value = table.get(key, default)
        if not isinstance(value, bool):
            raise self.refusal(key, f"{key} of {place} must be true or false")
        return value


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word.upper() if known and known[0].isupper() else word, known, n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; known are {', '.join(known)}"

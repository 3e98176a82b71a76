"""The sheet: every part of the schema against every role and every direct permission, for people and for programs."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from permissions.access_rules import OPEN, AccessRule
from permissions.policy import Policy
from permissions.vocabulary import PermissionScope, mask_of


class PartKind(StrEnum):
    """What a part of the schema is."""

    QUERY = "QUERY"
    MUTATION = "MUTATION"
    SUBSCRIPTION = "SUBSCRIPTION"
    FIELD = "FIELD"
    ARGUMENT = "ARGUMENT"
    INPUT_FIELD = "INPUT_FIELD"
    ENUM_VALUE = "ENUM_VALUE"


class Access(StrEnum):
    """Whether somebody may use a part of the schema: not at all, on what is their own, or throughout."""

    NO = "no"
    OWN = "own"
    YES = "yes"


class InvalidSheet(Exception):
    """The file is no sheet in JSON; the message says what would be one."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the schema by its coordinate, such as ``Organization.orders(placedBy:)``, and what it asks.

    `has_resolver` distinguishes a field that is answered by a function from one that is read off a record.
    """

    coordinate: str
    kind: PartKind
    rule: AccessRule = OPEN
    has_resolver: bool = False

    @property
    def needs(self) -> str:
        """Return what it asks in a few words, empty when it is open."""
        rule = self.rule
        if not rule.any_of:
            return "somebody signed in" if rule.signed_in else ""
        return (
            rule.needed
            + (" as vendor staff" if rule.scope is PermissionScope.VENDOR else "")
            + (", or to be the person concerned" if rule.or_self else "")
        )


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody by the one thing they hold; `mask` counts in their organization, `vendor_mask` as vendor staff."""

    name: str
    signed_in: bool = True
    mask: int = 0
    vendor_mask: int = 0

    def access_to(self, part: Part) -> Access:
        """Return whether they may use the part."""
        rule = part.rule
        if not rule.signed_in:
            return Access.YES
        if not self.signed_in:
            return Access.NO
        held = self.vendor_mask if rule.scope is PermissionScope.VENDOR else self.mask
        if not rule.any_of or held & rule.mask:
            return Access.YES
        return Access.OWN if rule.or_self else Access.NO


@dataclass(frozen=True, slots=True)
class Row:
    """One part of the schema and what each holder may, parallel to the holders of the sheet."""

    coordinate: str
    kind: PartKind
    needs: str
    access: tuple[Access, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Every part of the schema against everybody by what they hold."""

    holders: tuple[str, ...]
    rows: tuple[Row, ...]


ANYBODY = "not signed in"
SIGNED_IN = "signed in"


def holders_under(policy: Policy, parts: Sequence[Part] = ()) -> tuple[Holder, ...]:
    """Return everybody a policy distinguishes: by role, direct permission, and what the parts ask of vendor staff."""
    asked = {code for part in parts if part.rule.scope is PermissionScope.VENDOR for code in part.rule.any_of}
    return (
        Holder(ANYBODY, signed_in=False),
        Holder(SIGNED_IN),
        *(Holder(role.key, mask=role.mask) for role in policy.roles.values()),
        *(Holder(right.value, mask=mask_of([right])) for right in policy.direct_permissions),
        *(Holder(f"vendor {code}", vendor_mask=mask_of([code])) for code in policy.vendor_permissions if code in asked),
    )


def sheet_of(parts: Sequence[Part], policy: Policy) -> Sheet:
    """Return the sheet of these parts under this policy."""
    holders = holders_under(policy, parts)
    return Sheet(
        tuple(holder.name for holder in holders),
        tuple(
            Row(part.coordinate, part.kind, part.needs, tuple(holder.access_to(part) for holder in holders))
            for part in parts
        ),
    )


def as_json(sheet: Sheet) -> str:
    """Return the sheet as JSON, to compare it with another by ``forecourt policy diff``."""
    rows = [
        {
            "coordinate": row.coordinate,
            "kind": row.kind.value,
            "needs": row.needs,
            "access": {holder: access.value for holder, access in zip(sheet.holders, row.access, strict=True)},
        }
        for row in sheet.rows
    ]
    return json.dumps({"holders": list(sheet.holders), "rows": rows}, indent=1, ensure_ascii=False) + "\n"


def as_csv(sheet: Sheet) -> str:
    """Return the sheet as comma-separated values with a heading."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["coordinate", "kind", "needs", *sheet.holders])
    writer.writerows([row.coordinate, row.kind.value, row.needs, *row.access] for row in sheet.rows)
    return text.getvalue()


def guarded_as_markdown(sheet: Sheet) -> str:
    """Return a table of all that asks for something; an empty cell means no."""
    columns = [column for column, holder in enumerate(sheet.holders) if holder != ANYBODY]
    lines = [
        "| | needs | " + " | ".join(sheet.holders[column] for column in columns) + " |",
        "|---|---|" + ":-:|" * len(columns),
    ]
    lines += [
        f"| `{row.coordinate}` | {row.needs} | " + " | ".join(_cell(row.access[column]) for column in columns) + " |"
        for row in sheet.rows
        if row.needs
    ]
    return "\n".join(lines) + "\n"


def open_as_markdown(sheet: Sheet) -> str:
    """Return a list, by type, of all that asks for nothing; enums without a guard are left out."""
    by_type: dict[str, list[str]] = {}
    guarded_enums = {
        row.coordinate.split(".")[0] for row in sheet.rows if row.kind is PartKind.ENUM_VALUE and row.needs
    }
    for row in sheet.rows:
        type_name, _, name = row.coordinate.partition(".")
        if not row.needs and (row.kind is not PartKind.ENUM_VALUE or type_name in guarded_enums):
            by_type.setdefault(type_name, []).append(f"`{name}`")
    return "".join(f"- **{name}**: {', '.join(parts)}\n" for name, parts in by_type.items())


def read_sheet(text: str, source: str) -> Sheet:
    """Return the sheet that `as_json` wrote.

    Raises:
        InvalidSheet: It is something else.
    """
    try:
        document: Any = json.loads(text)
        holders = tuple(str(name) for name in document["holders"])
        rows = tuple(
            Row(
                str(row["coordinate"]),
                PartKind(row["kind"]),
                str(row["needs"]),
                tuple(Access(row["access"][holder]) for holder in holders),
            )
            for row in document["rows"]
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidSheet(
            f"{source} is no sheet ({type(error).__name__}: {error}); make one with `forecourt policy sheet --format "
            "json`."
        ) from error
    return Sheet(holders, rows)


def rows_by_coordinate(rows: Iterable[Row]) -> dict[str, Row]:
    """Return the rows by their coordinate."""
    return {row.coordinate: row for row in rows}


def _cell(access: Access) -> str:
    return "" if access is Access.NO else access.value

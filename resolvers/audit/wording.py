"""The audit log in the reader's words: what was done, to what, and what changed.

The texts stand in ``texts/``, one file of TOML for each language. What a later Forecourt wrote, and what the texts do
not know, is shown by its name.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_time
from babel.lists import format_list

from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.accounts import ConsentRecord
from connectors.directory.records.audit import AuditEventRecord
from connectors.directory.records.invitations import InvitationRecord
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.memberships import MembershipRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.directory.records.registrations import RegistrationRecord
from connectors.directory.records.sessions import SessionRecord
from connectors.ids import OrganizationId, UserId
from connectors.values import Localized
from connectors.wanted import EVERYTHING, Wanted, needs, reads
from permissions.vocabulary import Permission
from resolvers.account.consents import LABELS as CONSENT_LABELS
from resolvers.audit.queries import AuditField, after_of, before_of, subjects_of_events
from resolvers.context import RequestContext
from resolvers.languages import Reader, reader_of
from resolvers.organizations.queries import visible_organizations
from resolvers.people import display_name, people_with
from resolvers.portal.texts import ACCOUNT_KIND_LABELS, ORGANIZATION_KIND_LABELS
from resolvers.texts import labelled
from resolvers.transactions import MASKED

FOLDER = Path(__file__).with_name("texts")

INSTANTS = frozenset({"until", "expires_at"})
KINDS: Mapping[str, Localized] = {
    kind.value: labels for kind, labels in (*ACCOUNT_KIND_LABELS.items(), *ORGANIZATION_KIND_LABELS.items())
}

_IN_NO_ORGANIZATION = (
    "account.",
    "consent.",
    "data_export.",
    "email.",
    "join_request.open",
    "join_request.withdraw",
    "login_name.reminder_mail",
    "password.",
    "profile.",
    "registration.create",
    "registration.expire",
    "registration.resend",
    "session.",
    "vendor_permissions.",
    "view_as.refused",
)
"""What is on record of a person alone, or in no organization's log, by the beginning of its action."""

ORGANIZATION_COMMANDS = (
    "updateOrganization",
    "saveAddress",
    "deleteAddress",
    "requestOrganizationChange",
    "withdrawOrganizationChange",
    "updateMember",
    "updateMemberAccess",
    "updateMembersAccess",
    "suspendMember",
    "reactivateMember",
    "removeMember",
    "leaveOrganization",
    "transferAdministration",
    "requestAccess",
    "withdrawAccessRequest",
    "decideAccessRequest",
    "inviteMembers",
    "resendInvitation",
    "revokeInvitation",
    "approveJoinRequest",
    "declineJoinRequest",
)
"""The mutations whose refusals stand in the log of an organization."""


@dataclass(frozen=True, slots=True)
class AuditAction:
    """An action that can stand in the log of an organization."""

    key: str


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of one language, by the names of the tables of its file."""

    words: Mapping[str, str]
    subjects: Mapping[str, str]
    actions: Mapping[str, str]
    summaries: Mapping[str, str | Mapping[str, str]]
    mutations: Mapping[str, str]
    fields: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=1)
def wordings() -> Mapping[str, Wording]:
    """Return the texts by language, with those that extensions added."""
    added = list(_added.values())
    return {
        language: replace(
            words,
            actions={**words.actions, **{one.key: _in(one.labels, language) for one in added}},
            summaries={**words.summaries, **{one.key: _in(one.summaries, language) for one in added}},
            mutations={**words.mutations, **{one.mutation: _in(one.labels, language) for one in added}},
            fields={
                **words.fields,
                **{name: _in(labels, language) for one in added for name, labels in one.values.items()},
            },
        )
        for language, words in _own_wordings().items()
    }


@lru_cache(maxsize=1)
def _own_wordings() -> Mapping[str, Wording]:
    return {
        file.stem: Wording(**tomllib.loads(file.read_text(encoding="utf-8"))) for file in sorted(FOLDER.glob("*.toml"))
    }


@dataclass(frozen=True, slots=True)
class AddedAction:
    """What a mutation of an extension puts on record, and how it is said: labels, sentences and values by language.

    The action is called ``EXTENSION.MUTATION``, its refusals as the mutation is in the graph.
    """

    key: str
    mutation: str
    labels: Localized
    summaries: Localized
    values: Mapping[str, Localized]


_added: dict[str, AddedAction] = {}


def _in(texts: Localized, language: str) -> str:
    return texts.get(language) or texts["en"]


def add_action(action: AddedAction) -> None:
    """Let the audit log have words for an action of an extension from now on.

    Raises:
        ValueError: It would be called like actions of ours.
    """
    group = action.key.partition(".")[0]
    if any(own.partition(".")[0] == group for own in _own_wordings()["en"].actions):
        raise ValueError(f"Forecourt has actions called {group}.… in the audit log")
    _added[action.key] = action
    wordings.cache_clear()


@contextmanager
def forgetting_actions() -> Iterator[None]:
    """Forget at the end of the block what was added in it, for checks of extensions that are not served."""
    before = dict(_added)
    try:
        yield
    finally:
        _added.clear()
        _added.update(before)
        wordings.cache_clear()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Whoever reads, and the texts in their language."""

    wording: Wording
    reader: Reader
    context: RequestContext

    def labelled(self, labels: Localized) -> str:
        return labelled(labels, self.reader)


@reads(OrganizationRecord, lambda _: ())
def organization_actions(_context: RequestContext, _organization: OrganizationRecord) -> list[AuditAction]:
    """Return what can stand in the log of an organization: what was done, then what was refused."""
    actions = [key for key in wordings()["en"].actions if not key.startswith(_IN_NO_ORGANIZATION)]
    refused = (*ORGANIZATION_COMMANDS, *(one.mutation for one in _added.values()))
    return [AuditAction(key) for key in (*actions, *refused)]


def label_of_action(context: RequestContext, of: AuditAction, *, locale: str | None = None) -> str:
    """Return what an action is called, for the choice of a filter."""
    reader = _reader(context, locale)
    refused = of.key in reader.wording.mutations
    label = _label(reader, of.key)
    return reader.wording.words["refused_action"].format(action=label) if refused else label


@reads(AuditEventRecord, lambda event: event.action)
def action_label(context: RequestContext, event: AuditEventRecord, *, locale: str | None = None) -> str:
    """Return what was done or tried, in a few words."""
    return _label(_reader(context, locale), event.action)


@needs(UserRecord)
@reads(AuditEventRecord, lambda event: event.subject_id)
async def subject_labels(
    context: RequestContext, events: Sequence[AuditEventRecord], *, locale: str | None = None
) -> Sequence[str | None]:
    """Return what each event was done to is called; None when it is gone, has no name, or is not theirs to see."""
    return await _subjects(_reader(context, locale), events)


@needs(UserRecord)
@reads(
    AuditEventRecord,
    lambda event: (event.id, event.action, event.subject_id, event.organization_id, event.before, event.after),
)
async def summaries(
    context: RequestContext, events: Sequence[AuditEventRecord], *, locale: str | None = None
) -> Sequence[str]:
    """Return what each event says in one sentence, without who did it."""
    reader = _reader(context, locale)
    labels = await _subjects(reader, events)
    shown = {event.id: [*before_of(context, event), *after_of(context, event)] for event in events}
    names = await _names(context, [field for fields in shown.values() for field in fields])
    return [
        _summary(reader, event, label or _noun(reader, event.subject_id), shown[event.id], names)
        for event, label in zip(events, labels, strict=True)
    ]


def field_label(context: RequestContext, field: AuditField, *, locale: str | None = None) -> str:
    """Return what the value of a field is."""
    return _field_label(_reader(context, locale), field.name)


@needs(UserRecord, lambda user: (user.first_name, user.last_name, user.email))
async def displays(
    context: RequestContext,
    fields: Sequence[AuditField],
    *,
    locale: str | None = None,
    people: Wanted[UserRecord] = EVERYTHING,
) -> Sequence[str | None]:
    """Return each field's value as its reader would write it; None where there was none."""
    reader = _reader(context, locale)
    names = await _names(context, fields, people)
    return [_display(reader, field, names) for field in fields]


def _reader(context: RequestContext, locale: str | None) -> _Reader:
    reader = context.reader
    if locale is not None:
        reader = replace(reader, locale=reader_of([locale, reader.locale.language]).locale)
    return _Reader(wordings()[reader.language], reader, context)


def _label(reader: _Reader, action: str) -> str:
    return reader.wording.actions.get(action) or reader.wording.mutations.get(action) or action


def _noun(reader: _Reader, id: str) -> str:
    nouns = reader.wording.subjects
    return nouns.get(id.partition("_")[0], nouns["other"])


async def _subjects(reader: _Reader, events: Sequence[AuditEventRecord]) -> list[str | None]:
    context = reader.context
    found = await subjects_of_events(context, events)
    known = await people_with(context, {one.user_id for one in found if isinstance(one, _PERSONAL)})
    return [_name(reader, one, known) for one in found]


_NAME = Wanted.of(OrganizationRecord, lambda organization: organization.name)
_PERSONAL = (MembershipRecord, AccessRequestRecord, JoinRequestRecord)


def _name(reader: _Reader, subject: Any, people: Mapping[UserId, UserRecord | None]) -> str | None:
    match subject:
        case MembershipRecord() | AccessRequestRecord() | JoinRequestRecord():
            user = people.get(subject.user_id)
            return display_name(reader.context, user) if user is not None else None
        case UserRecord():
            return display_name(reader.context, subject)
        case OrganizationRecord():
            return subject.name
        case InvitationRecord():
            return subject.email
        case RegistrationRecord():
            return subject.organization_name
        case SessionRecord():
            return subject.device_label
        case ConsentRecord():
            return reader.labelled(CONSENT_LABELS[subject.purpose])
    return None


async def _names(
    context: RequestContext, fields: Iterable[AuditField], wanted: Wanted[UserRecord] = EVERYTHING
) -> dict[str, str]:
    """Return the names of the people and organizations whose ids are values, by id, as far as the reader may know them.

    People who never belonged to the organization whose log it is are not named there.
    """
    named = [field for field in fields if field.value and field.name in ("user", "organization")]
    people = {(UserId(one.value), one.organization_id) for one in named if one.value and one.value.startswith("usr_")}
    organizations = {OrganizationId(one.value) for one in named if one.value and one.value.startswith("org_")}
    names: dict[str, str] = {}
    if people:
        where = sorted({organization_id for _, organization_id in people if organization_id is not None})
        belonged = await context.backends.directory.who_belonged(where, sorted({id for id, _ in people}))
        me = context.caller.user.id if context.caller is not None else None
        shown = {id for id, where in people if id == me or (where, id) in belonged}
        found = await people_with(context, shown, wanted)
        names |= {id: display_name(context, user) for id in shown if (user := found.get(id)) is not None}
    if organizations:
        seen = await visible_organizations(context, sorted(organizations), _NAME)
        names |= {one.id: one.name for one in seen if one is not None}
    return names


def _summary(
    reader: _Reader, event: AuditEventRecord, subject: str, fields: Sequence[AuditField], names: Mapping[str, str]
) -> str:
    template = reader.wording.summaries.get(event.action)
    if template is None:
        label = _label(reader, event.action)
        if event.action in reader.wording.mutations:
            return _sentence(reader.wording.words["refused"], {"action": label, "subject": subject})
        return f"{label}: {subject}"
    shown = {field.name: _display(reader, field, names) or _NOTHING for field in fields}
    if not isinstance(template, str):  # in the words for what it was done with, or for how it stands now
        variant = next((one for one in (event.after.get("status"), *shown) if one in template), None)
        template = template[variant] if variant is not None else f"{_label(reader, event.action)}: {{subject}}"
    labels = dict.fromkeys(_field_label(reader, field.name) for field in fields)
    access = [shown[name] for name in ("roles", "permissions") if event.after.get(name)]
    values = shown | {
        "subject": subject,
        "fields": _listed(reader, list(labels)),
        "details": ", ".join(f"{_field_label(reader, name)}: {shown[name]}" for name in event.after),
        "wanted_access": _listed(reader, access),
    }
    return _sentence(template, values)


_NOTHING = "\u2013"


class _Values(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return _NOTHING


def _sentence(template: str, values: Mapping[str, str]) -> str:
    filled = template.format_map(_Values(values))
    return f"{filled[:1].upper()}{filled[1:]}"


def _field_label(reader: _Reader, name: str) -> str:
    return reader.wording.fields.get(name, name)


def _display(reader: _Reader, field: AuditField, names: Mapping[str, str]) -> str | None:
    name, value, words = field.name, field.value, reader.wording
    if value is None:
        return None
    if value == MASKED:
        return words.words["hidden"]
    if value in ("true", "false"):
        return words.words["yes" if value == "true" else "no"]
    if name in INSTANTS:
        return _instant(reader, value)
    match name:
        case "role" | "roles":
            labels = [_role(reader, key) for key in value.split()]
            return _listed(reader, labels)
        case "permission" | "permissions":
            return _listed(reader, [_permission(reader, code) for code in value.split()])
        case "kind" if value in KINDS:
            return reader.labelled(KINDS[value])
        case "user" | "organization" | "session" if value[:4] in ("usr_", "org_", "ses_"):
            return names.get(value) or _noun(reader, value)
    return words.values.get(name, {}).get(value, value)


def _role(reader: _Reader, key: str) -> str:
    role = reader.context.policy.roles.get(key)
    return reader.labelled(role.labels) if role is not None else key


def _permission(reader: _Reader, code: str) -> str:
    return reader.labelled(Permission(code).labels) if code in Permission.__members__ else code


def _listed(reader: _Reader, texts: Sequence[str]) -> str:
    return format_list(list(texts), locale=reader.reader.locale) if texts else reader.wording.words["none"]


def _instant(reader: _Reader, text: str) -> str:
    locale, zone = reader.reader.locale, reader.reader.time_zone
    try:
        instant = datetime.fromisoformat(text).astimezone(zone)
    except ValueError:
        return text
    return f"{format_date(instant, 'long', locale=locale)}, {format_time(instant, 'short', tzinfo=zone, locale=locale)}"

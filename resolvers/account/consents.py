"""What people have consented to, each decision kept with its time and where it was made."""

from collections.abc import Mapping, Sequence

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.accounts import ConsentPurpose, ConsentRecord
from connectors.directory.records.caller import CallerRecord
from connectors.ids import ConsentId, UserId, new_id
from connectors.rate_limits.interface import Limit
from connectors.values import Localized
from connectors.wanted import reads
from resolvers.context import RequestContext
from resolvers.localization import in_language
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.transactions import author, changed

ACCOUNT = "account"
"""Where a decision was made: in one's own account. Registration has its own word."""

LONGEST_HISTORY = 100

LABELS: Mapping[ConsentPurpose, Localized] = {
    ConsentPurpose.NEWSLETTER: {
        "de": "Newsletter per E-Mail erhalten",
        "en": "Receive the newsletter by e-mail",
        "fr": "Recevoir la lettre d'information par e-mail",
    },
    ConsentPurpose.PRODUCT_ADVICE: {
        "de": "Zu Produkten telefonisch oder per E-Mail beraten werden",
        "en": "Be advised on products by telephone or e-mail",
        "fr": "Être conseillé sur les produits par téléphone ou par e-mail",
    },
    ConsentPurpose.USAGE_STATISTICS: {
        "de": "Nutzung des Portals zu seiner Verbesserung auswerten",
        "en": "Let the use of the portal be evaluated to improve it",
        "fr": "Laisser évaluer l'utilisation du portail pour l'améliorer",
    },
}

_DECISIONS = Attempts("consent", in_all=Limit(100, 3600))


async def set_consent(context: RequestContext, purpose: ConsentPurpose, granted: bool) -> None:
    """Store what the caller decides about a purpose; what is so already is not stored again.

    Raises:
        TooManyAttempts: A hundred times in an hour.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked
    await check_attempts(context, _DECISIONS, caller.user.id)

    async def decide(change: DirectoryChange) -> None:
        await change.lock_user(caller.user.id)
        (decided,) = await change.ask.consents_of([caller.user.id], limit=1)
        was = any(one.granted for one in decided if one.purpose is purpose)
        if was is granted:  # nobody has consented who never said so
            return
        id = ConsentId(new_id("cns"))
        await change.add_consent(ConsentRecord(id, caller.user.id, purpose, granted, context.now, ACCOUNT))
        before, after = ({purpose.value.lower(): str(value).lower()} for value in (was, granted))
        await change.record(author(context).entry("consent.set", id, None, before=before, after=after), context.now)

    await changed(context, decide)


async def consents_of(context: RequestContext, callers: Sequence[CallerRecord]) -> Sequence[Sequence[ConsentRecord]]:
    """Return each caller's last decision about each purpose; none to somebody who looks as the caller."""
    if context.view_as is not None:
        return [()] * len(callers)
    return await context.backends.directory.consents_of([caller.user.id for caller in callers], limit=1)


async def subscribed(context: RequestContext, callers: Sequence[CallerRecord]) -> Sequence[bool | None]:
    """Return whether each caller has the newsletter, which nobody has who never asked for it; None as `consents_of`."""
    if context.view_as is not None:
        return [None] * len(callers)
    return [
        any(one.granted for one in decided if one.purpose is ConsentPurpose.NEWSLETTER)
        for decided in await consents_of(context, callers)
    ]


@reads(ConsentRecord, lambda consent: (consent.user_id, consent.purpose))
async def history_of(context: RequestContext, consents: Sequence[ConsentRecord]) -> Sequence[Sequence[ConsentRecord]]:
    """Return all decisions of the same person about the same purpose, the last first, a hundred at most."""
    ids: list[UserId] = list(dict.fromkeys(consent.user_id for consent in consents))
    found = await context.backends.directory.consents_of(ids, limit=LONGEST_HISTORY)
    by_person = dict(zip(ids, found, strict=True))
    return [[one for one in by_person[consent.user_id] if one.purpose is consent.purpose] for consent in consents]


@reads(ConsentRecord, lambda consent: consent.purpose)
def label_of(context: RequestContext, consent: ConsentRecord, *, locale: str | None = None) -> str:
    """Return what was asked, in the language asked for, else in the caller's."""
    return in_language(context, LABELS[consent.purpose], locale)

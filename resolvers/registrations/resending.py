"""Having the mail sent again that confirms the address of a registration.

The mutation knows nobody: it counts, and queues. Which registration is meant is looked up by the worker, so that the
answer is the same in its words, its statements and its time, whether or not there is one.
"""

import hmac
from dataclasses import replace
from datetime import timedelta

import orjson

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.audit import Author
from connectors.directory.records.outbox import OutboxRecord
from connectors.directory.records.registrations import RegistrationRecord, RegistrationStatus
from connectors.rate_limits.interface import Limit
from connectors.values import login_key
from resolvers import contact_data
from resolvers.context import RequestContext
from resolvers.mail.queue import queue_mail
from resolvers.one_time_tokens import hash_of, new_token
from resolvers.outbox.repeated_items import carried_out_once
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.refusals import Invalid
from resolvers.registrations.commands import confirmation_mail
from resolvers.registrations.inputs import TIME_TO_CONFIRM, reference_in
from resolvers.texts import Text
from resolvers.transactions import Once, changed_once
from resolvers.validation import text, together

REGISTRATION_MAIL = "REGISTRATION_MAIL"

TIME_TO_REOPEN = timedelta(days=30)
"""So long after it has expired, a registration can be confirmed after all, with a new mail."""

_LONGEST = 1_000
_UNCONFIRMED = (RegistrationStatus.EMAIL_UNVERIFIED, RegistrationStatus.EXPIRED)

# As for a new password: fewer from one network than in all, so that nobody uses up what is somebody else's.
_MAILS = Attempts("registration-mail", Limit(20, 3600), about_account=Limit(3, 3600), in_all=Limit(9, 3600))


async def request_registration_mail(
    context: RequestContext, token: str | None, reference: str | None, email: str | None, key: str | None
) -> None:
    """Have the mail sent again that confirms a registration: to its own address, if there is such a registration.

    It is that of the token of an earlier mail, or that with this reference and this address. The earlier link counts no
    more from then on; the new one counts for seven days.

    Raises:
        RefusedTogether: Neither a token nor a reference and an address, or both, or they cannot be any.
        TooManyAttempts: From this network, or about this token or address.
        KeyReused, Invalid: See `changed_once`.
    """
    asked: dict[str, str] = {}
    with together() as checking:
        if token is not None:
            if not token.strip() or len(token) > _LONGEST:
                problem = Text("Copy the token from the link in the e-mail exactly as it appears there.")
                checking.refuse(Invalid(problem, ["token"], f"length 1..{_LONGEST}"))
            asked["token"] = hash_of(token).hex()
            for name, value in (("reference", reference), ("email", email)):
                if value is not None:
                    checking.refuse(Invalid(Text("Leave this out when you give the token."), [name], "token alone"))
        else:
            asked["reference"] = checking.check(lambda: text(reference or "", ["reference"], _LONGEST)) or ""
            asked["email"] = checking.check(lambda: contact_data.email(email or "", ["email"])) or ""
    await check_attempts(context, _MAILS, asked.get("token") or asked["email"])
    sealed = context.backends.seals.seal(orjson.dumps(asked).decode())  # somebody's address

    async def queue(change: DirectoryChange) -> None:
        await change.enqueue(REGISTRATION_MAIL, {}, now=context.now, sealed=sealed)

    await changed_once(context, Once(key, "resendRegistrationMail", asked), queue)


async def resend_registration_mail(context: RequestContext, item: OutboxRecord) -> None:
    """Mail a new link to the address of the registration that is meant, if it can still be confirmed."""

    async def send(change: DirectoryChange) -> None:
        found = await _meant(context, change, item)
        if found is None:
            return
        (owner,) = await change.ask.users_with_email([found.email])
        token, expires_at = new_token(), context.now + TIME_TO_CONFIRM
        again = replace(
            found, version=found.version + 1, status=RegistrationStatus.EMAIL_UNVERIFIED, expires_at=expires_at
        )
        await change.store_registration(again, token_hash=hash_of(token))
        await queue_mail(context, change, confirmation_mail(context, again, owner, token))
        entry = Author(None, context.request_id).entry(
            "registration.resend",
            found.id,
            None,
            before={"status": found.status, "expires_at": found.expires_at.isoformat()},
            after={"status": again.status, "expires_at": expires_at.isoformat()},
        )
        await change.record(entry, context.now)

    await carried_out_once(context, item, send)


async def _meant(context: RequestContext, change: DirectoryChange, item: OutboxRecord) -> RegistrationRecord | None:
    if item.sealed is None:
        return None
    asked = orjson.loads(context.backends.seals.open(item.sealed))
    if "token" in asked:
        found = await change.ask.registration_with_token(bytes.fromhex(asked["token"]))
    else:
        found = await change.ask.registration_with_reference(reference_in(asked["reference"]))
        given, stored = (
            login_key(address).encode() for address in (asked["email"], found.email if found is not None else "")
        )
        if not hmac.compare_digest(given, stored):
            return None
    if found is None or found.status not in _UNCONFIRMED or found.expires_at + TIME_TO_REOPEN <= context.now:
        return None
    return found

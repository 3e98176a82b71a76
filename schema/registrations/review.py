"""Deciding about registrations, and what an applicant can do until then."""

from typing import Any

import strawberry

from connectors.ids import RegistrationId
from permissions.access_rules import AUTHENTICATED, REVIEW_REGISTRATIONS, by_caller_unless
from resolvers.context import RequestContext
from resolvers.registrations import review as registration_review
from resolvers.registrations.queries import state_of
from resolvers.registrations.review import Decision
from schema.graph.mutations import mutation
from schema.graph.user_errors import Payload
from schema.registrations.types import OrganizationRegistration, RegistrationStatusView


@strawberry.input
class ApproveRegistrationInput:
    """The registration to approve."""

    id: strawberry.ID
    customer_number: str | None = strawberry.field(
        default=None,
        description="The organization's customer number from now on; without it, it has none.",
    )
    expected_version: int | None = None
    idempotency_key: str | None = None


@strawberry.input
class RejectRegistrationInput:
    """The registration to reject, and the reason."""

    id: strawberry.ID
    reason: str = strawberry.field(description="The reason, for the applicant to read.")
    expected_version: int | None = None
    idempotency_key: str | None = None


@strawberry.input
class RequestRegistrationInformationInput:
    """The registration, and the information that is needed."""

    id: strawberry.ID
    question: str = strawberry.field(description="Your question, for the applicant to read.")
    expected_version: int | None = None
    idempotency_key: str | None = None


@strawberry.input
class AnswerRegistrationInput:
    """Your registration, by its id or its reference, and your answer."""

    answer: str = strawberry.field(description="The answer to the vendor's question.")
    id: strawberry.ID | None = strawberry.field(default=None, description="The registration's id.")
    reference: str | None = strawberry.field(
        default=None, description="The registration's reference, instead of its id."
    )
    idempotency_key: str | None = None


@strawberry.input
class WithdrawRegistrationInput:
    """Your registration: by its id or reference when you are signed in, otherwise by the token."""

    id: strawberry.ID | None = strawberry.field(default=None, description="The registration's id.")
    reference: str | None = strawberry.field(
        default=None, description="The registration's reference, instead of its id."
    )
    token: str | None = strawberry.field(
        default=None, description="The token from the mail instead, before the address is confirmed; needs no session."
    )
    reason: str | None = strawberry.field(default=None, description="The reason, if you want to give one.")
    idempotency_key: str | None = None


class RegistrationPayload(Payload):
    """The registration as it is now, or why nothing was changed."""

    registration: OrganizationRegistration | None = strawberry.field(
        description="The registration as it is now; null when nothing was changed."
    )


class WithdrawRegistrationPayload(Payload):
    """The status of the registration now, or why nothing was changed."""

    state: RegistrationStatusView | None = strawberry.field(
        description="Its status now; null when nothing was changed."
    )
    registration: OrganizationRegistration | None = strawberry.field(
        description="The registration as it is now; null when you used the token."
    )


def _decision(input: Any) -> Decision:
    return Decision(RegistrationId(input.id), input.expected_version, input.idempotency_key)


def _id(id: strawberry.ID | None) -> RegistrationId | None:
    return RegistrationId(id) if id is not None else None


@strawberry.type
class RegistrationReviewMutations:
    """Deciding about registrations."""

    @mutation(requires=REVIEW_REGISTRATIONS)
    async def approve_registration(
        self, context: RequestContext, input: ApproveRegistrationInput
    ) -> RegistrationPayload | None:
        """Approve a registration: at once, the organization becomes active and its applicant gets the administrative
        role, and nothing else.
        """
        decision = _decision(input)
        return RegistrationPayload(
            registration=await registration_review.approve_registration(context, decision, input.customer_number)
        )

    @mutation(requires=REVIEW_REGISTRATIONS)
    async def reject_registration(
        self, context: RequestContext, input: RejectRegistrationInput
    ) -> RegistrationPayload | None:
        """Reject a registration, with a reason that the applicant receives."""
        return RegistrationPayload(
            registration=await registration_review.reject_registration(context, _decision(input), input.reason)
        )

    @mutation(requires=REVIEW_REGISTRATIONS)
    async def request_registration_information(
        self, context: RequestContext, input: RequestRegistrationInformationInput
    ) -> RegistrationPayload | None:
        """Ask the applicant for information; the time for the review begins again when they answer."""
        return RegistrationPayload(
            registration=await registration_review.request_information(context, _decision(input), input.question)
        )

    @mutation(requires=AUTHENTICATED)
    async def answer_registration(
        self, context: RequestContext, input: AnswerRegistrationInput
    ) -> RegistrationPayload | None:
        """Answer the vendor's question, as the applicant."""
        answered = await registration_review.answer_registration(
            context, _id(input.id), input.reference, input.answer, input.idempotency_key
        )
        return RegistrationPayload(registration=answered)

    @mutation(requires=by_caller_unless("input.token"))
    async def withdraw_registration(
        self, context: RequestContext, input: WithdrawRegistrationInput
    ) -> WithdrawRegistrationPayload | None:
        """Withdraw your registration before it is decided; the organization is closed, and you leave it."""
        withdrawn = await registration_review.withdraw_registration(
            context, _id(input.id), input.reference, input.token, input.reason, input.idempotency_key
        )
        return WithdrawRegistrationPayload(
            state=state_of(context, withdrawn), registration=withdrawn if input.token is None else None
        )

"""A small graph of which every kind of input is guarded, and callers who hold something in some organization."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from operator import attrgetter
from typing import Any

import strawberry
from graphql import ExecutionResult

from connectors.ids import OrganizationId, UserId
from permissions.access_rules import OPEN, any_of
from permissions.policy import parse_policy
from permissions.viewer import Grant, Standing, Viewer
from permissions.vocabulary import Permission, PermissionScope, mask_of
from resolvers.context import RequestContext
from schema.graph.build import Schema, build_schema
from schema.graph.fields import field as declared
from schema.graph.fields import graph_type, root
from schema.graph.guards import directives_of
from schema.graph.input_guards import input_field
from tests.gateway.execution.both import StrawberrysExecutor

POLICY = parse_policy(
    """
    [roles.administration]
    label = { en = "Administration" }
    description = { en = "All." }
    permissions = ["MEMBER_VIEW", "ROLE_ASSIGN"]
    administrative = true
    assignable = ["administration"]
    """,
    "policy.toml",
)
ME = "usr_me"

EXECUTORS = {"breadth-first": StrawberrysExecutor, "graphql-core": None}


@strawberry.enum(description="A colour.")
class Colour(Enum):
    """A colour; only those who see the audit log ask by red."""

    BLUE = strawberry.enum_value("blue", description="Blue.")
    RED = strawberry.enum_value("red", description="Red.", directives=directives_of(any_of(Permission.AUDIT_VIEW)))


@strawberry.input
class ThingFilter:
    """Which things."""

    colour: Colour | None = strawberry.field(default=strawberry.UNSET, description="Of this colour.")
    note: str | None = input_field(requires=any_of(Permission.ORDER_VIEW), description="With this note.")
    within: "ThingFilter | None" = strawberry.field(default=strawberry.UNSET, description="Within one like this.")
    either: "list[ThingFilter] | None" = strawberry.field(default=strawberry.UNSET, description="Or like these.")
    reviewed: bool | None = input_field(
        requires=any_of(Permission.REGISTRATION_REVIEW, scope=PermissionScope.VENDOR), description="By the vendor."
    )


@strawberry.input
class PaintInput:
    """What to paint."""

    organization_id: strawberry.ID = strawberry.field(description="Whose.")
    colour: Colour = strawberry.field(description="How.")


@dataclass(frozen=True)
class TestedRecord:
    """An organization."""

    id: str


async def things_of(
    context: RequestContext,
    organizations: Sequence[TestedRecord],
    *,
    first: int = 20,
    owner: UserId | None = None,
    colours: Sequence[Colour] | None = None,
    filter: ThingFilter | None = None,
) -> list[int]:
    """Note which organizations were asked."""
    context.backends.asked.extend(organization.id for organization in organizations)  # type: ignore[attr-defined]
    return [first] * len(organizations)


@graph_type(of=TestedRecord, organization=attrgetter("id"))
class Team:
    """A team, which is an organization here."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    things: int | None = declared(
        things_of,
        requires=OPEN,
        description="How many things it has.",
        arguments={"owner": "Of this person.", "colours": "Of these colours.", "filter": "Like this."},
        argument_guards={"owner": any_of(Permission.MEMBER_VIEW, or_self=True)},
    )


async def _organizations(_context: RequestContext, *, ids: Sequence[str]) -> list[TestedRecord]:
    return [TestedRecord(identifier) for identifier in ids]


async def _paint(context: RequestContext, *, input: PaintInput) -> str:
    context.backends.asked.append(input.organization_id)  # type: ignore[attr-defined]
    return input.colour.value


@strawberry.type
class SmallQuery:
    """What may be asked."""

    organizations: list[Team] = root(
        _organizations, requires=OPEN, description="Organizations.", arguments={"ids": "Their ids."}
    )


@strawberry.type
class Mutation:
    """What may be done."""

    paint: str | None = root(
        _paint, requires=OPEN, description="Paint something.", organization_in="input.organization_id"
    )


def small_schema(executor: str, query: type = SmallQuery, mutation: type | None = Mutation) -> Schema:
    """Return the graph for one of the executors."""
    schema = build_schema(query=query, mutation=mutation)
    schema.execution_context_class = EXECUTORS[executor] or schema.execution_context_class
    return schema


@dataclass
class Asked:
    """Stands for the back ends: which organizations were asked for."""

    asked: list[str] = field(default_factory=list)


@dataclass
class Caller:
    """Somebody who holds these permissions in these organizations; None for a stranger."""

    held: dict[str, list[Permission]] | None = None
    vendor: tuple[Permission, ...] = ()
    asked: list[str] = field(default_factory=list)
    is_dry_run: bool = False

    def context(self) -> RequestContext:
        """What a request of this caller knows."""
        context = RequestContext(
            backends=Asked(self.asked),  # type: ignore[arg-type]
            policy=POLICY,
            now=datetime(2026, 11, 21, tzinfo=UTC),
            request_id="test",
            unenforced=[] if self.is_dry_run else None,
        )
        if self.held is not None:
            standings = {
                OrganizationId(organization): Standing(
                    organization, "mbr_1", (Grant("grt_1", None, mask_of(held), None),)
                )
                for organization, held in self.held.items()
            }
            context.viewer = Viewer(ME, standings, mask_of(self.vendor))
        return context

    async def asks(self, schema: Schema, query: str, **variables: Any) -> ExecutionResult:
        """Execute the operation."""
        self.asked.clear()
        return await schema.execute(  # type: ignore[return-value]
            query, variable_values=variables, context_value=self.context()
        )

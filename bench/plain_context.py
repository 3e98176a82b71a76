"""What the plain Strawberry server keeps for a request: the caller, what they hold, and the DataLoaders."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from strawberry.dataloader import DataLoader

from bench.plain_models import GrantModel, OrderLineModel, UserModel
from connectors.applications.interface import ApplicationRecord
from permissions.policy import Policy, Role

Sessions = async_sessionmaker[AsyncSession]


@dataclass
class Loaders:
    """The DataLoaders of one request."""

    users: DataLoader[str, UserModel]
    grants: DataLoader[str, list[GrantModel]]
    lines: DataLoader[str, list[OrderLineModel]]


@dataclass
class Context:
    """What a resolver finds in `info.context`."""

    sessions: Sessions
    policy: Policy
    catalogue: Sequence[ApplicationRecord]
    caller: UserModel | None
    roles: dict[str, list[Role]]
    loaders: Loaders

    @property
    def language(self) -> str:
        """The caller's language."""
        locale = self.caller.locale if self.caller is not None else None
        return (locale or "en").split("-")[0]

    def holds(self, organization_id: str, *codes: str) -> bool:
        """Return whether the caller holds one of the permissions in the organization."""
        return any(code in role.permissions for role in self.roles.get(organization_id, ()) for code in codes)


Info = strawberry.Info[Context, None]


def loaders_of(sessions: Sessions) -> Loaders:
    """Return the loaders of one request."""
    return Loaders(
        users=DataLoader(load_fn=_users(sessions)),
        grants=DataLoader(
            load_fn=_lists(
                sessions,
                lambda keys: (
                    select(GrantModel)
                    .where(GrantModel.membership_id.in_(keys), GrantModel.kind == "ROLE")
                    .order_by(GrantModel.key)
                ),
                lambda grant: grant.membership_id,
            )
        ),
        lines=DataLoader(
            load_fn=_lists(
                sessions,
                lambda keys: (
                    select(OrderLineModel)
                    .where(OrderLineModel.order_id.in_(keys))
                    .order_by(OrderLineModel.order_id, OrderLineModel.position)
                ),
                lambda line: line.order_id,
            )
        ),
    )


def _users(sessions: Sessions) -> Callable[[list[str]], Awaitable[list[UserModel]]]:
    async def load(keys: list[str]) -> list[UserModel]:
        async with sessions() as session:
            found = {user.id: user for user in await session.scalars(select(UserModel).where(UserModel.id.in_(keys)))}
            return [found[key] for key in keys]

    return load


def _lists(
    sessions: Sessions, statement: Callable[[list[str]], Any], owner: Callable[[Any], str]
) -> Callable[[list[str]], Awaitable[list[list[Any]]]]:
    async def load(keys: list[str]) -> list[list[Any]]:
        found: defaultdict[str, list[Any]] = defaultdict(list)
        async with sessions() as session:
            for row in await session.scalars(statement(keys)):
                found[owner(row)].append(row)
        return [found[key] for key in keys]

    return load

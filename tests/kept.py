"""What each gateway and command would make again and is the same for all: the schema, the shipped profiles, and
statements compiled to SQL.

Building the schema takes as long as a dozen tests, reading a profile as long as all else that opening a gateway does,
and compiling a statement longer than running it on the few rows of a demo.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.util import LRUCache

from connectors.applications.embedded import EmbeddedApplications
from connectors.applications.interface import ApplicationRecord
from gateway import profile_files, wiring
from gateway.profile_files import Profile, shipped_profiles
from permissions.policy import Policy
from tests.schemas import shared_schema

MOST_STATEMENTS = 5_000


@contextmanager
def kept() -> Iterator[None]:
    """Let gateways share what is kept here for as long as the block runs."""
    compiling_once = partial(create_engine, execution_options={"compiled_cache": _Compiled(MOST_STATEMENTS)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("connectors.database.sqlite.create_engine", compiling_once)
        patch.setattr("connectors.database.postgresql.create_engine", compiling_once)
        for module in ("app", "cli.policy", "cli.policy_explain", "cli.profile"):
            patch.setattr(f"gateway.{module}.build_schema", shared_schema)
        _read_profiles_once(patch)
        yield


def _read_profiles_once(patch: pytest.MonkeyPatch) -> None:
    """Keep what the files of the shipped profiles say; a profile of a test's own is read each time."""
    load, read_policy = profile_files.load_profile, wiring._read_policy
    profiles: dict[str, Profile] = {}
    policies: dict[str, tuple[Policy, tuple[ApplicationRecord, ...]]] = {}

    def loaded(name_or_path: str) -> Profile:
        if name_or_path not in shipped_profiles():
            return load(name_or_path)
        if name_or_path not in profiles:
            profiles[name_or_path] = load(name_or_path)
        return profiles[name_or_path]

    async def policy_of(profile: Profile) -> tuple[Policy, EmbeddedApplications]:
        if profiles.get(profile.key) is not profile:
            return await read_policy(profile)
        if profile.key not in policies:
            policy, applications = await read_policy(profile)
            policies[profile.key] = policy, tuple(await applications.catalogue())
        policy, records = policies[profile.key]
        return policy, EmbeddedApplications(records)

    patch.setattr(profile_files, "load_profile", loaded)
    patch.setattr(wiring, "_read_policy", policy_of)


class _Compiled(LRUCache[Any, Any]):
    """Compiled statements by the name of their dialect, since each engine has a dialect of its own.

    What a statement of ours compiles to depends on the kind of database alone, never on what one of them has or lacks.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_any_engine(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(_of_any_engine(key), compiled)


def _of_any_engine(key: Any) -> Any:
    dialect, *statement = key
    return (dialect.name, *statement)

"""One contestant in a process of its own: `python -m bench.serve CONTESTANT FOLDER DATABASE_URL` says its port."""

# Each contestant imports what it needs itself, so that none holds the memory of another.

import logging
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn

from gateway.server.gc_tuning import settle
from gateway.server.http_limits import server_config
from gateway.server.logging import configure_logs

PROFILE = "solar_terminal"


def settings_for(folder: Path, database_url: str, **more: Any) -> Any:
    """Return Forecourt's settings for the bench: as shipped, with tokens that outlive the run."""
    from pydantic import SecretStr

    from gateway.settings import Settings

    return Settings(
        profile=PROFILE,
        data_folder=folder,
        database_url=SecretStr(database_url),
        access_token_minutes=60,
        log_format="json",
        **more,
    )


def forecourt(folder: Path, database_url: str) -> Any:
    """Return Forecourt as shipped."""
    from gateway.app import create_app

    return create_app(settings_for(folder, database_url))


def forecourt_on_graphql_core(folder: Path, database_url: str) -> Any:
    """Return Forecourt with graphql-core's executor instead of its own."""
    from gateway.app import create_app

    return create_app(settings_for(folder, database_url, execution="graphql-core"))


def forecourt_with_batches(folder: Path, database_url: str) -> Any:
    """Return Forecourt with as many operations in a request as can be set."""
    from gateway.app import create_app

    return create_app(settings_for(folder, database_url, max_batch=10))


def by_hand(_folder: Path, database_url: str) -> Any:
    """Return the hand-written endpoint."""
    from bench.handwritten import Handwritten
    from gateway.profile_files import load_profile

    return Handwritten(database_url.replace("postgresql+asyncpg:", "postgresql:", 1), load_profile(PROFILE))


def plain_strawberry(folder: Path, database_url: str) -> Any:
    """Return the plain Strawberry server."""
    from bench.plain_strawberry import PlainStrawberry
    from connectors.applications.embedded import EmbeddedApplications
    from connectors.identity.keys import SigningKeys, read_or_make_keys
    from connectors.identity.tokens import AccessTokens
    from gateway.profile_files import load_profile
    from permissions.policy import parse_policy

    profile, settings = load_profile(PROFILE), settings_for(folder, database_url)
    applications = EmbeddedApplications.from_toml(profile.applications_text, profile.applications_source)
    tokens = AccessTokens(
        SigningKeys(settings.key_file, read_or_make_keys(settings.key_file)),
        issuer=settings.issuer,
        audience="forecourt",
        lifetime=timedelta(hours=1),
    )
    policy = parse_policy(profile.policy_text, profile.policy_source)
    return PlainStrawberry(database_url, policy, applications, tokens)


CONTESTANTS: dict[str, Callable[[Path, str], Any]] = {
    "handwritten": by_hand,
    "forecourt": forecourt,
    "forecourt_graphql_core": forecourt_on_graphql_core,
    "plain_strawberry": plain_strawberry,
}

OTHERS: dict[str, Callable[[Path, str], Any]] = {"forecourt_with_batches": forecourt_with_batches}
"""What is served for other measurements than the comparison."""


class _Server(uvicorn.Server):
    settles = False

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.settles:  # Forecourt's own command line does so
            settle()
        for server in self.servers:
            print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  the parent waits for it


def main(contestant: str, folder: str, database_url: str) -> None:
    """Serve until stopped: Forecourt as its command line does, the others as uvicorn does by default."""
    configure_logs("json")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    app = (CONTESTANTS | OTHERS)[contestant](Path(folder), database_url)
    is_forecourt = contestant.startswith("forecourt")
    if is_forecourt:
        config = server_config(app, settings_for(Path(folder), database_url))
    else:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, server_header=False)
    server = _Server(config)
    server.settles = is_forecourt
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The command line: ``forecourt serve``, ``worker``, ``migrate``, ``demo``, ``token``, ``mail``, ``audit``, …"""

import asyncio
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from gateway.app import ENDPOINT, create_app
from gateway.cli.audit import audit
from gateway.cli.backend_checks import backends_cli
from gateway.cli.command import CommandRefused, Commands, ProfileOption, settings_and_profile
from gateway.cli.database import backup, restore_backup, transfer_database
from gateway.cli.documents import documents_cli
from gateway.cli.extension import extension_cli
from gateway.cli.external_ids import external_ids_cli
from gateway.cli.keys import keys_cli
from gateway.cli.mail import mail_cli
from gateway.cli.policy import policy_cli
from gateway.cli.profile import profile_cli
from gateway.cli.staff import nobody_is_staff, nobody_may_review, staff_cli
from gateway.cli.token import token
from gateway.demo import DEMO_PASSWORD
from gateway.demo.loading import LoadedDemo, NoDemo, load_demo
from gateway.profile_files import Profile, load_profile
from gateway.server.gc_tuning import settle
from gateway.server.http_limits import server_config
from gateway.server.logging import configure_logs
from gateway.server.terminal import say
from gateway.settings import Settings
from gateway.settings_sources import read_settings
from gateway.wiring import Wiring, migrate_our_database, open_wiring, utc_now
from gateway.worker import Worker
from schema.graph.build import build_schema, printed

cli = typer.Typer(
    name="forecourt",
    cls=Commands,
    help="One GraphQL endpoint in front of every application a vendor's customers use.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
schema_cli = typer.Typer(help="The schema as clients see it.", no_args_is_help=True)
cli.add_typer(schema_cli, name="schema")
cli.add_typer(documents_cli, name="documents")
cli.add_typer(policy_cli, name="policy")
cli.add_typer(profile_cli, name="profile")
cli.add_typer(extension_cli, name="extension")
cli.add_typer(mail_cli, name="mail")
cli.add_typer(staff_cli, name="staff")
cli.add_typer(keys_cli, name="keys")
cli.add_typer(external_ids_cli, name="external-ids")
cli.add_typer(backends_cli, name="backends")
cli.command()(audit)
cli.command()(backup)
cli.command("restore")(restore_backup)
cli.command("transfer")(transfer_database)
cli.command()(token)

log = logging.getLogger("forecourt")

SCHEMA_FILE = Path(__file__).parents[2] / "schema" / "schema.graphql"


def _say_version(asked: bool) -> None:
    if asked:
        say(f"forecourt {version('forecourt')}")
        raise typer.Exit


@cli.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """One GraphQL endpoint in front of every application a vendor's customers use."""


@cli.command()
def serve(
    profile: ProfileOption = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 0 takes any that is free.")] = None,
    demo: Annotated[bool | None, typer.Option("--demo", help="Load and show the profile's demo organization.")] = None,
    migrate: Annotated[bool, typer.Option("--migrate", help="Bring the database up to date first.")] = False,
) -> None:
    """Serve the gateway until it is stopped."""
    settings, chosen = settings_and_profile(profile=profile, host=host, port=port, demo=demo)
    configure_logs(settings.log_format or ("json" if settings.environment == "production" else "console"))
    with _listen(settings) as listening:
        settings = settings.model_copy(update={"port": listening.getsockname()[1]})
        loaded = None
        if migrate or settings.demo:
            asyncio.run(migrate_our_database(settings))
        if settings.demo:
            loaded = asyncio.run(load_demo(settings, chosen, clock=utc_now))
        app = create_app(settings)
        server = _Server(
            server_config(app, settings),
            started=lambda: _say_where(settings, chosen, loaded),
        )
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(_serve(app, server, listening))


@cli.command()
def worker(profile: ProfileOption = None) -> None:
    """Send mails and run the scheduled tasks until stopped, beside processes that serve with FORECOURT_WORKER=false."""
    settings, chosen = settings_and_profile(profile=profile)
    configure_logs(settings.log_format or ("json" if settings.environment == "production" else "console"))
    asyncio.run(_work(settings, chosen))


@cli.command()
def demo(
    profile: ProfileOption = None,
    organizations: Annotated[int, typer.Option(min=0, max=100_000, help="So many invented organizations more.")] = 0,
) -> None:
    """Load the profile's demo organization into an empty database, migrating it first."""
    settings = read_settings(profile=profile)
    if settings.environment == "production":
        raise NoDemo("The demo's accounts have a public password, so it is not loaded in production.")
    chosen = load_profile(settings.profile)
    asyncio.run(migrate_our_database(settings))
    loaded = asyncio.run(load_demo(settings, chosen, clock=utc_now, organizations=organizations))
    if loaded.organizations:
        say(f"Loaded {loaded.organizations} organizations, {loaded.people} people and {loaded.orders} orders.")
    else:
        say("The demo is there already; nothing was changed.")
    _say_accounts(loaded)


@cli.command()
def migrate(profile: ProfileOption = None) -> None:
    """Bring the database up to date."""
    done = asyncio.run(migrate_our_database(read_settings(profile=profile)))
    say("\n".join(f"Migrated {revision}." for revision in done) or "The database is up to date.")


@schema_cli.command("print")
def print_schema(profile: ProfileOption = None) -> None:
    """Print the schema in GraphQL's schema definition language, with the extensions of the profile that is set."""
    chosen = load_profile(read_settings(profile=profile).profile)
    say(printed(build_schema(additions=chosen.additions)), nl=False)


@schema_cli.command("check")
def check_schema() -> None:
    """Exit with 1 when the committed schema.graphql is not what the code says."""
    if not SCHEMA_FILE.exists() or SCHEMA_FILE.read_text(encoding="utf-8") != printed(build_schema()):
        say("schema/schema.graphql is not what the code says. Run `make generate`; see what changed.", err=True)
        raise typer.Exit(1)
    say("schema/schema.graphql is current.")


def main() -> None:
    """Run the command line."""
    cli()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Said in so many words, or the loop would leave Nagle's algorithm on, which holds each answer back for 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise CommandRefused(
                f"Port {settings.port} is in use by another program. Choose another with --port, "
                f"FORECOURT_PORT or `make run PORT={settings.port + 10}`; 0 takes any that is free."
            ) from error
        raise CommandRefused(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}.") from error
    return listening


class _Server(uvicorn.Server):
    """Uvicorn, notifying when it is ready."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and notify when requests are answered."""
        await super().startup(sockets)
        if self.started:
            self._on_started()


async def _serve(app: Any, server: _Server, listening: socket.socket) -> None:
    # The lifespan runs here rather than in uvicorn, so that a problem of a back end reaches the operator as a sentence.
    server.config.lifespan = "off"
    async with app.router.lifespan_context(app):
        _reload_on_hangup(app.state.wiring.policies.reload, app.state.wiring.tokens.keys.reload)
        await _warn_of_nobody(app.state.wiring)
        settle()
        await server.serve(sockets=[listening])


async def _warn_of_nobody(wiring: Wiring) -> None:
    """Say so when there is nobody who could approve a registration."""
    if not wiring.policy.vendor_permissions:
        log.warning(nobody_may_review(wiring.policies.source))
    elif not await wiring.backends.directory.vendor_staff(limit=1):
        log.warning(nobody_is_staff())


async def _work(settings: Settings, profile: Profile) -> None:
    async with open_wiring(settings, profile) as wiring:
        working = Worker(wiring.backends, wiring.policies, wiring.work, clock=utc_now)
        _reload_on_hangup(wiring.policies.reload, wiring.tokens.keys.reload)
        for stopping in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(stopping, working.stop)
        say(f"Forecourt works for {profile.title['en']}: mails leave, and the house is kept.")
        sys.stdout.flush()
        await working.run()


def _reload_on_hangup(*reloads: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    """Read the policy and the keys again whenever the process gets SIGHUP, where the system has that signal."""
    if hasattr(signal, "SIGHUP"):
        loop, running = asyncio.get_running_loop(), set[asyncio.Task[bool]]()

        def reload() -> None:
            for each in reloads:
                task = loop.create_task(each())
                running.add(task)
                task.add_done_callback(running.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)


def _say_where(settings: Settings, profile: Profile, loaded: LoadedDemo | None) -> None:
    here = settings.listens_at
    say(f"\nForecourt serves {profile.title['en']} at {here}")
    if settings.address != here:
        say(f"  People    {settings.address}, by a proxy of yours")
    say(f"  GraphQL   {here}{ENDPOINT}")
    if settings.serves_graphiql:
        say(f"  GraphiQL  {here}/graphiql")
    if settings.shows_mailbox:
        say(f"  Mailbox   {here}/mailbox")
    if loaded is not None:
        _say_accounts(loaded)
        say("\nA query to try, once signed in:\n")
        say("  { viewer { user { displayName } applications { application { name } launch { url } } } }\n")
    sys.stdout.flush()


def _say_accounts(loaded: LoadedDemo) -> None:
    say(f"\nSign in as one of these, password {DEMO_PASSWORD}:")
    width = max(len(account.login_name) for account in loaded.accounts)
    for account in loaded.accounts:
        say(f"  {account.login_name:<{width}}  {account.description}")


if __name__ == "__main__":
    main()

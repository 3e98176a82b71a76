"""Problems that the operator can fix, reported as one sentence instead of a traceback."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from connectors.applications.interface import InvalidCatalogue
from connectors.database.migrations import DatabaseNotMigrated, DatabaseTooNew
from connectors.errors import BackendUnavailable
from connectors.identity.keys import UnusableKey
from gateway.cli.token import NoSuchAccount
from gateway.demo.loading import NoDemo
from gateway.profile_files import InvalidProfile
from gateway.server.terminal import visible
from gateway.settings_sources import InvalidSettings
from permissions.policy import InvalidPolicy
from permissions.sheet import InvalidSheet
from resolvers.mail.templates import InvalidMailTexts
from schema.graph.build import InvalidSchema

_EXPECTED = (
    InvalidSettings,
    InvalidProfile,
    InvalidPolicy,
    InvalidCatalogue,
    InvalidMailTexts,
    InvalidSchema,
    InvalidSheet,
    UnusableKey,
    DatabaseTooNew,
    DatabaseNotMigrated,
    NoDemo,
    NoSuchAccount,
)


@contextmanager
def explained(*more: type[Exception]) -> Iterator[None]:
    """Report a problem that can be fixed, one of `more` too, and exit with 2; let every other one through."""
    expected: tuple[type[Exception], ...] = (*_EXPECTED, *more)
    try:
        yield
    except expected as error:
        _fail(str(error))
    except BackendUnavailable as error:
        _fail(f"The {error.backend} database does not answer ({error}). Is it running, and is the URL right?")
    except BrokenPipeError:  # whoever reads what we print has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise typer.Exit(1) from None
    except OSError as error:
        _fail(f"{error.filename or 'The system'}: {error.strerror}.")


def _fail(message: str) -> None:
    typer.secho(visible(f"forecourt: {message}"), err=True, fg=typer.colors.RED)
    raise typer.Exit(2)

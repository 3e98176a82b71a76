"""Which application behind the gateway fills a field, as it stands in the printed schema: ``@backend``."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import strawberry
from strawberry.schema_directive import Location

from permissions.open_enums import add_member, remove_member
from permissions.vocabulary import NameTaken


class Backend(StrEnum):
    """An application behind the gateway; those of extensions have no name in the code, see `add_backend`."""

    SHOP = "SHOP"


BACKEND_TEXTS: dict[str, str] = {"SHOP": "The shop: articles and orders."}
"""What each is, as the schema describes it."""

_added_by: dict[Backend, str] = {}

strawberry.enum(Backend, name="BackendName", description="An application behind the gateway.")


def add_backend(name: str, description: str, extension: str) -> Backend:
    """Return a back end of an extension, which can be named in the schema from now on; again, where it is known.

    Raises:
        NameTaken: It is one of ours, or of another extension.
    """
    backend = Backend(name) if name in Backend.__members__ else None
    if backend is not None and (owner := _added_by.get(backend, "Forecourt")) != extension:
        raise NameTaken(f"{name} is a back end of {owner}, so {extension} needs another name for its own")
    BACKEND_TEXTS[name] = description
    if backend is None:
        backend = add_member(Backend, name)
        _added_by[backend] = extension
    return backend


@contextmanager
def forgetting_backends() -> Iterator[None]:
    """Forget at the end of the block what was added in it, for checks of extensions that are not served."""
    before = dict(_added_by)
    try:
        yield
    finally:
        for backend in [one for one in _added_by if one not in before]:
            remove_member(Backend, backend.value)
            del _added_by[backend], BACKEND_TEXTS[backend.value]


@strawberry.schema_directive(locations=[Location.FIELD_DEFINITION], name="backend")
class BackendDirective:
    """Is filled by this application; null, with an error that says so, while it does not answer."""

    name: Backend

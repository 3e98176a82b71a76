"""An extension: what somebody adds to this portal without changing Forecourt, declared in one object."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from strawberry.annotation import StrawberryAnnotation
from strawberry.utils.str_converters import to_camel_case

from connectors.cache.fetches import Caching
from connectors.http.limits import HttpLimits
from permissions.access_rules import AccessRule
from permissions.vocabulary import NameTaken, Permission, add_permission
from resolvers.audit.wording import AddedAction, add_action
from schema.extending.back_end import DeclaredBackend, DeclaredSignIn, SignInKind
from schema.extending.extendable import EXTENDABLE, InvalidExtension
from schema.extending.fields import EXPLICIT, GRAPHQL_TYPE
from schema.extending.mutations import Answer, Make, declared_mutation
from schema.extending.permission_texts import ExtensionTexts, read_texts
from schema.extending.settings import ExtensionSetting
from schema.graph.additions import SchemaAddition
from schema.graph.backends import add_backend
from schema.graph.fields import DeclaredField

API = 1
"""The version of the façade: what an extension written for it may rely on."""

_OURS = (
    "applications", "changes", "database", "directory", "events", "forecourt", "identity", "mail",
    "rate_limits", "shop",
)  # fmt: skip
"""What stands in logs, in errors and in /health/ready for us."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


class Extension:
    """What is added to a portal under one name: permissions, back ends, settings, types and fields of ours.

    It becomes part of the portal where its profile names it. `texts` is a TOML file beside the one that makes the
    extension, with the label and the description of each permission, and what the audit log says of each mutation.
    """

    def __init__(self, name: str, *, api: int, texts: str | None = None) -> None:
        """Raise InvalidExtension when this Forecourt cannot be extended so."""
        if not _NAME.fullmatch(name):
            raise InvalidExtension(f'"{name}" is no name of an extension; write small letters, digits and _, as plants')
        if name in _OURS:
            raise InvalidExtension(f'"{name}" is what Forecourt calls a part of its own; call the extension otherwise')
        if api != API:
            raise InvalidExtension(f"{name} is written for api {api}, and this Forecourt has api {API}")
        self.name = name
        self.permissions: list[Permission] = []
        self.back_ends: list[DeclaredBackend] = []
        self.types: list[Any] = []
        self.tests: list[tuple[str, Mapping[str, int]]] = []
        self.notes: list[str] = []
        self._settings: dict[str, ExtensionSetting] = {}
        self._fields: dict[str, list[DeclaredField]] = {}
        file = Path(sys._getframe(1).f_globals.get("__file__", "."))  # of whoever makes the extension
        self.texts_source = file.with_name(texts) if texts is not None else None
        self.texts = read_texts(self.texts_source) if self.texts_source is not None else ExtensionTexts()

    @property
    def prefix(self) -> str:
        """What its permissions begin with."""
        return f"{self.name.upper()}_"

    @property
    def settings(self) -> Sequence[ExtensionSetting]:
        """What the operator sets for it."""
        return tuple(self._settings.values())

    @property
    def addition(self) -> SchemaAddition:
        """What it adds to the schema."""
        return SchemaAddition(f"the extension {self.name}", self._fields, self.types)

    def permission(self, code: str) -> Permission:
        """Return a permission of its own, which nobody holds until a policy gives it.

        Raises:
            InvalidExtension: Its name does not begin with the extension's, it has no texts, or it is somebody else's.
        """
        if not re.fullmatch(rf"{self.prefix}[A-Z0-9_]+", code):
            raise InvalidExtension(
                f'the permission "{code}" of the extension {self.name} begins with {self.prefix}; write '
                f"{self.prefix}VIEW, for example"
            )
        if code not in self.texts.permissions:
            raise InvalidExtension(f"{code} has no texts; write [{code}] with label and description in the texts file")
        try:
            permission = add_permission(code, self.texts.permissions[code], self.name)
        except NameTaken as taken:
            raise InvalidExtension(str(taken)) from taken
        if permission not in self.permissions:
            self.permissions.append(permission)
        return permission

    def setting(self, name: str, *, description: str) -> str:
        """Let the operator set something, and return the name by which `setting_of` finds it.

        Raises:
            InvalidExtension: It does not begin with the extension's name.
        """
        self._add_settings([ExtensionSetting(name, description)])
        return name

    def http_backend(
        self,
        name: str | None = None,
        *,
        description: str | None = None,
        url: str | None = None,
        sign_in: str | DeclaredSignIn = SignInKind.NONE,
        timeout: float = 2.0,
        at_once: int = 8,
        caching: Caching | None = None,
    ) -> DeclaredBackend:
        """Return a back end that speaks HTTP, called like the extension unless it has a name of its own.

        With `caching`, the rows of `get_many` are kept.
        Its URL, and what its `sign_in` needs, are settings: ``plants_url``, ``plants_secret``, ``plants_token_url``.

        Raises:
            InvalidExtension: There is no such way to sign in, or the name is somebody else's.
        """
        name = name or self.name
        if name != self.name and not re.fullmatch(rf"{self.name}_[a-z0-9_]+", name):
            raise InvalidExtension(f'the back end "{name}" of the extension {self.name} begins with {self.name}_')
        if isinstance(sign_in, str):
            if sign_in not in list(SignInKind):
                raise InvalidExtension(f'"{sign_in}" is no way to sign in; there are {", ".join(SignInKind)}')
            kind = SignInKind(sign_in)
            secret = f"{name}_secret" if kind is not SignInKind.NONE else None
            sign_in = DeclaredSignIn(kind, secret, f"{name}_token_url" if kind is kind.CLIENT_CREDENTIALS else None)
        try:
            described = description or f"The back end of the extension {self.name}."
            backend = add_backend(name.upper(), described, self.name)
        except NameTaken as taken:
            raise InvalidExtension(str(taken)) from taken
        limits = HttpLimits(timeout=timeout, at_once=at_once)
        declared = DeclaredBackend(self.name, name, backend, url or f"{name}_url", sign_in, limits, caching)
        self.back_ends.append(declared)
        self._add_settings(declared.settings())
        return declared

    def extend(self, type_: type, /, **fields: Any) -> None:
        """Add fields to a type of ours, or to Query: each says by `requires` who may ask for it.

        Raises:
            InvalidExtension: The type cannot be extended, or a field says nothing of its guard or of its type.
        """
        if type_ not in EXTENDABLE:
            known = ", ".join(cls.__name__ for cls in EXTENDABLE)
            raise InvalidExtension(f"{getattr(type_, '__name__', type_)} cannot be extended; {known} can")
        for name, declared in fields.items():
            self._fields.setdefault(EXTENDABLE[type_], []).append(self._checked(EXTENDABLE[type_], name, declared))

    def mutation(
        self,
        make: Make,
        *,
        input: type,
        payload: type,
        answer: Answer,
        requires: AccessRule,
        backend: DeclaredBackend,
        description: str,
        cost: int | None = None,
    ) -> None:
        """Add a mutation, called like the function ``make(context, input, change)``, which makes the change.

        What `make` returns, as JSON, is kept for whoever repeats the request with its `idempotencyKey`, and
        ``answer(context, input, returned)`` makes the payload of it. `requires` is asked in the organization of the
        input's `organization_id`. What `make` refuses stands in the payload; what was done, in the audit log, as
        ``EXTENSION.NAME_OF_THE_MUTATION``.

        Raises:
            InvalidExtension: It is not as ours are, or it has no texts for the audit log.
        """
        name = make.__name__
        operation, action = to_camel_case(name), f"{self.name}.{name}"
        text = self.texts.mutations.get(operation)
        if text is None:
            raise InvalidExtension(
                f"the mutation {operation} of the extension {self.name} has no texts; write [mutations.{operation}] "
                "with label and summary in the texts file"
            )
        if wrong := [value for value in text.values if not value.startswith(f"{self.name}_")]:
            raise InvalidExtension(
                f"the values {', '.join(wrong)} of {operation} begin with {self.name}_, so that none is in the way"
            )
        declared = declared_mutation(
            name,
            make,
            action=action,
            input=input,
            payload=payload,
            answer=answer,
            requires=requires,
            backend=backend,
            description=description,
            cost=cost,
            recorded=tuple(text.values),
        )
        try:
            add_action(AddedAction(action, operation, text.label, text.summary, text.values))
        except ValueError as taken:
            raise InvalidExtension(f"{taken}; call the extension {self.name} otherwise") from taken
        self._fields.setdefault("Mutation", []).append(declared)

    def _checked(self, type_name: str, name: str, declared: Any) -> DeclaredField:
        where = f"{type_name}.{name} of the extension {self.name}"
        if not isinstance(declared, DeclaredField):
            raise InvalidExtension(f"{where} is no field; declare it by field, computed, attribute or root")
        if not declared.metadata.get(EXPLICIT):
            raise InvalidExtension(
                f"{where} does not say who may ask for it; write requires=any_of(…), AUTHENTICATED, or OPEN if that "
                "is everybody who sees the object"
            )
        graphql_type = declared.metadata.get(GRAPHQL_TYPE)
        if graphql_type is None:
            raise InvalidExtension(f"{where} says nothing of its type; write graphql_type=list[…] | None, for example")
        declared.python_name = name
        declared.type_annotation = StrawberryAnnotation(graphql_type)
        return declared

    def _add_settings(self, settings: Iterable[ExtensionSetting]) -> None:
        for one in settings:
            if not one.name.startswith(f"{self.name}_"):
                raise InvalidExtension(
                    f'the setting "{one.name}" of the extension {self.name} begins with {self.name}_, so that it is in '
                    "nobody's way"
                )
            self._settings[one.name] = one

"""All settings, each with its default, what it may be and what it means; settings_sources.py reads them."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from connectors.database.limits import DatabaseLimits
from connectors.http.urls import parsed_url
from connectors.mail.interface import is_address
from connectors.mail.server import mail_server

PREFIX = "FORECOURT_"
TOKEN = "{token}"
"""What stands in a link where its secret goes."""

ForwardedHeader = Literal["x-forwarded-for", "forwarded"]
"""The header to which the proxies in front append. Only one: a client can send the other, and no proxy would add."""

_DATABASE = DatabaseLimits()


class PageUrls(BaseModel):
    """Where the links of mails lead, by kind of page, when it is not to the pages that are shipped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    invitation: str | None = None
    registration: str | None = None
    password_reset: str | None = None
    email_change: str | None = None
    account_deletion: str | None = None
    portal: str | None = None

    @field_validator("*")
    @classmethod
    def _is_a_link(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not value:
            return None  # Compose sets it to nothing
        if len(value) > 500 or not re.fullmatch(r"https?://[!-~]+", value) or set(value) & set("\"'<>\\^`|"):
            raise ValueError("it is a URL such as https://portal.example/page, of at most 500 characters")
        host, rest = urlsplit(value).netloc, value.replace(TOKEN, "", 1)
        if "@" in host or "{" in host or "{" in rest or "}" in rest:
            raise ValueError(f"{TOKEN} stands in it once, behind the host, and no other braces and no @ before it do")
        if info.field_name == "portal":
            if TOKEN in value:
                raise ValueError("the portal's start gets no token")
            return value
        if "#" in value and TOKEN not in value:
            raise ValueError(f"a URL with # says where the token goes, such as https://portal.example/#/page?t={TOKEN}")
        return value if TOKEN in value else f"{value}#token={TOKEN}"


TABLES: Mapping[str, type[BaseModel]] = {"page_urls": PageUrls}
"""Settings that are a table in the file; in the environment, each key of the table is a variable of its own."""


def is_ours(name: str) -> bool:
    """Return whether a name is that of a setting of Forecourt's, or of a part of one, so that no extension has it."""
    parts = name in ("config", "test") or name.startswith(("test_", *(f"{table}_" for table in TABLES)))
    return parts or name in Settings.model_fields


class Limits(BaseModel):
    """The settings that checks of documents and answers look at: the largest request, and what is kept of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    max_text_characters: int = Field(
        10_000, ge=2_500, description="How long one text may be that a request gives as a value, in characters."
    )
    max_document_bytes: int = Field(64_000, ge=1_000, description="The largest GraphQL document, variables apart.")
    max_tokens: int = Field(2_000, ge=1, description="How many tokens a document may have, comments included.")
    max_recursion: int = Field(
        100, ge=1, le=150, description="How deeply brackets, and fragments within fragments, may be nested."
    )
    max_depth: int = Field(12, ge=1, description="How many fields may stand within one another.")
    max_aliases: int = Field(15, ge=0, description="How many aliases an operation may have, fragments written out.")
    max_root_fields: int = Field(20, ge=1, description="How many fields an operation may have at its root.")
    max_directives: int = Field(20, ge=0, description="How many directives an operation may have.")
    max_cost: int = Field(5_000, ge=1, description="How much a request may cost by the estimate before execution.")
    cost_mode: Literal["measure", "enforce"] = Field(
        "enforce", description="`measure` only logs what costs more than `max_cost`; `enforce` refuses it."
    )
    max_objects: int = Field(
        50_000, ge=1_000, description="How many objects the answer to a request may have, counted while it is made."
    )
    max_answer_bytes: int = Field(
        10_000_000, ge=100_000, description="How many bytes the answer to a request may have."
    )
    document_cache_entries: int = Field(1_000, ge=1, description="How many documents are kept ready to execute.")
    document_cache_bytes: int = Field(
        64_000_000, ge=0, description="How much memory the documents that are kept ready may take, by estimate."
    )


class Settings(Limits):
    """How this Forecourt runs. An environment variable wins over the file; an unknown name in either is refused."""

    _of_extensions: dict[str, str] = PrivateAttr(default_factory=dict)

    environment: Literal["development", "production"] = Field(
        "development", description="`production` refuses the demo and asks for a signing key of its own."
    )
    profile: str = Field("solar_terminal", description="A shipped profile, or the path of a folder with one.")
    demo: bool = Field(False, description="Load the profile's demo organization when the directory is empty.")
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on; 0 takes any that is free.")
    public_url: str | None = Field(None, description="The address as browsers see it, without a slash at the end.")
    data_folder: Path = Field(Path("data"), description="Where the embedded database and the signing key are kept.")
    database_url: SecretStr | None = Field(
        None, description="`postgresql+asyncpg://user:password@host/name`; without it, SQLite in the data folder."
    )
    database_connections: int = Field(
        _DATABASE.connections,
        ge=3,
        le=1_000,
        description="How many connections to PostgreSQL one process opens, all kinds together.",
    )
    database_timeout_seconds: float = Field(
        _DATABASE.statement_seconds,
        gt=0,
        le=300,
        description=(
            "How long one statement of the database may take; `request_timeout_seconds` ends it earlier when less."
        ),
    )
    database_lock_timeout_seconds: float = Field(
        _DATABASE.lock_seconds,
        gt=0,
        le=300,
        description="How long a query waits for a locked table; a change waits three times as long.",
    )
    redis_url: SecretStr | None = Field(
        None, description="`redis://host:6379/0`, by which processes share counts and events; may be left out."
    )
    signing_key_file: Path | None = Field(
        None,
        description=(
            "The first Ed25519 private key, in PEM, beside which further ones stand; without it, one is made in the "
            "data folder."
        ),
    )
    files_url: str | None = Field(
        None,
        description=(
            "Where files are: `file:///srv/files`, `s3://bucket/prefix` or `az://container/prefix`; without it, "
            "`files` in the data folder."
        ),
    )
    files_account: str | None = Field(None, description="S3's access key id, or Azure's storage account.")
    files_secret: SecretStr | None = Field(None, description="S3's secret access key, or a key of Azure's account.")
    files_region: str | None = Field(None, description="S3's region, such as `eu-central-1`.")
    files_endpoint: str | None = Field(
        None, description="Where a store answers that speaks S3's or Azure's protocol and is somebody else's."
    )
    files_link_minutes: int = Field(5, ge=1, le=60, description="How long a link to a file counts.")
    smtp_url: SecretStr | None = Field(
        None, description="`smtp://user:password@host:587` (STARTTLS), `smtps://…` (TLS); without it, a local mailbox."
    )
    mail_from: str | None = Field(
        None, description="The address that mails come from; without it, `noreply@` and the host of `public_url`."
    )
    mail_stays_here: bool = Field(
        False, description="Confirm that in production mails stay in the local mailbox, where nobody gets them."
    )
    shop: Literal["embedded", "vendure"] = Field(
        "embedded", description="Where orders are: in tables of ours, or in a shop of [Vendure](back-ends/vendure.md)."
    )
    shop_url: str | None = Field(
        None,
        description="The address of the shop's API: Vendure's Admin API, such as `https://shop.example/admin-api`.",
    )
    shop_api_key: SecretStr | None = Field(None, description="The API key by which the shop lets us in.")
    shop_channel: str | None = Field(
        None, description="The token of the channel of Vendure whose orders are shown; without it, the default channel."
    )
    worker: bool = Field(
        True,
        description="Send mails and run the scheduled tasks in this process; `false` where `forecourt worker` runs "
        "beside it.",
    )
    access_token_minutes: int = Field(10, ge=1, le=60, description="How long an access token counts.")
    refresh_reuse_seconds: int = Field(
        10,
        ge=0,
        le=60,
        description=(
            "How long a refresh token may be used again and gets the same successor, for tabs that refresh at the "
            "same time and for answers that got lost; `0` never."
        ),
    )
    graphiql: bool | None = Field(None, description="Serve GraphiQL; without it, only outside production.")
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="How many proxies in front of us append to the `forwarded_header`."
    )
    forwarded_header: ForwardedHeader = Field(
        "x-forwarded-for", description="The header they append to: `x-forwarded-for` or `forwarded` (RFC 7239)."
    )
    log_format: Literal["console", "json"] | None = Field(
        None, description="Without it, `console` outside production and `json` in it."
    )
    pages: bool = Field(
        True, description="Serve the pages that links of mails lead to; off only when `page_urls` names others for all."
    )
    page_urls: PageUrls | None = Field(
        None, description="A table: where links of mails lead instead, by kind of page, such as `invitation`."
    )
    cors_origins: tuple[str, ...] = Field(
        (), description="Whose pages may ask from a browser: `https://portal.example, …`; others may not."
    )
    cors_headers: tuple[str, ...] = Field(
        (), description="Headers that these pages may send beside the usual ones (docs/http.md)."
    )
    cors_expose_headers: tuple[str, ...] = Field(
        ("allow", "retry-after", "www-authenticate", "x-request-id", "traceparent"),
        description="Headers of answers that these pages may read.",
    )
    cors_max_age_seconds: int = Field(
        7_200, ge=0, le=86_400, description="How long a browser keeps what it was permitted; Chrome, two hours at most."
    )
    csrf_required_headers: tuple[str, ...] = Field(
        ("x-apollo-operation-name", "apollo-require-preflight"),
        description=(
            "Headers that no form can send: any of them lets a GET through that looks forged, as a bearer token does, "
            "and `Content-Type: application/json`."
        ),
    )
    http_status_profile: Literal["current", "draft"] = Field(
        "current",
        description=(
            "`current` answers refused requests with 400; `draft` as the draft of August 2026: with 422 what can be "
            "read and is not well-formed or not valid, and errors beside data with 294."
        ),
    )
    max_batch: int = Field(0, ge=0, le=10, description="How many operations one request may carry; 0 allows no batch.")
    body_timeout_seconds: float = Field(10, gt=0, le=300, description="How long the body of a request may take.")
    request_timeout_seconds: float = Field(
        10, gt=0, le=300, description="How long an operation may take; fields not answered by then are null."
    )
    head_timeout_seconds: float = Field(
        10,
        gt=0,
        le=300,
        description="How long a new connection, or a request that has begun, may take for its headers.",
    )
    keep_alive_seconds: float = Field(
        75,
        gt=0,
        le=3_600,
        description="How long a connection stays open without a request: longer than the proxy in front keeps it.",
    )
    write_timeout_seconds: float = Field(
        30, gt=0, le=300, description="How long a client may not read what it was answered before it is cut off."
    )
    max_connections: int = Field(
        2_000,
        ge=10,
        description="How many connections a process has; beyond, those go that have been idle longest, or it is 503.",
    )
    max_connections_per_address: int | None = Field(
        None,
        ge=1,
        description="The same of one IPv4 address or IPv6 /64. Not behind a proxy, whose address they all have.",
    )
    max_body_bytes: int = Field(1_000_000, ge=1_000, description="The largest body of a request.")
    max_json_depth: int = Field(64, ge=4, le=500, description="How deeply the JSON of a request may be nested.")
    max_json_values: int = Field(
        5_000, ge=100, description="How many values the JSON of a request may have, all lists and objects together."
    )
    execution: Literal["breadth-first", "graphql-core"] = Field(
        "breadth-first", description="Which engine executes: ours, or graphql-core's, to compare."
    )
    introspection: Literal["off", "on", "filtered"] = Field(
        "filtered", description="What introspection shows: nothing, the whole schema, or what the caller may use."
    )
    suggestions: bool | None = Field(
        None, description="Say `Did you mean …` in errors; without it, only outside production."
    )

    authorization_disclosure: Literal["none", "code", "permission", "full"] | None = Field(
        None,
        description=(
            "How much a refusal explains: nothing, why, also what is missing, also who could grant it. Without it, "
            "`full` outside production and `permission` in it."
        ),
    )
    authorization_errors_response: Literal["errors", "extensions", "disabled"] = Field(
        "errors", description="Where refusals stand: in `errors`, in `extensions.authorizationErrors`, or nowhere."
    )
    authorization_reject_unauthorized: bool = Field(
        False, description="Refuse the whole operation with 403 when one of its fields is refused."
    )
    authorization_dry_run: bool = Field(
        False,
        description=(
            "Show active members the fields of their organization that they would be refused, and only report the "
            "refusals in `extensions.authorizationDryRun`. What a right protects is open to every colleague meanwhile."
        ),
    )
    authorization_dry_run_in_production: bool = Field(
        False, description="Confirm that the dry run is meant for production too."
    )

    @field_validator("cors_origins", "cors_headers", "cors_expose_headers", "csrf_required_headers", mode="before")
    @classmethod
    def _is_a_list(cls, value: Any) -> Any:
        return tuple(part for part in re.split(r"[\s,]+", value) if part) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _names_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_origin(origin) for origin in value))

    @field_validator("cors_headers", "cors_expose_headers", "csrf_required_headers")
    @classmethod
    def _names_headers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name == "*" or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
                raise ValueError(f"{name} is no name of a header; write each out, without *")
        return tuple(dict.fromkeys(name.lower() for name in value))

    @field_validator("public_url")
    @classmethod
    def _is_a_base(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("it begins with https:// or http://")
        return value.rstrip("/") if value else value

    @field_validator("database_url")
    @classmethod
    def _names_a_driver(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        if not value.get_secret_value().startswith(("postgresql+asyncpg://", "sqlite+aiosqlite:")):
            raise ValueError("it begins with postgresql+asyncpg:// or sqlite+aiosqlite:///")
        try:
            make_url(value.get_secret_value())
        except (ArgumentError, ValueError):  # whose text would show the password
            raise ValueError("it is no URL such as postgresql+asyncpg://user:password@host:5432/name") from None
        return value

    @field_validator("redis_url")
    @classmethod
    def _names_a_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("it begins with redis://, rediss:// or unix://")
        return value

    @field_validator("files_url")
    @classmethod
    def _names_a_store(cls, value: str | None) -> str | None:
        if not value:
            return None  # Compose sets it to nothing
        where = urlsplit(value)
        if where.scheme == "file" and not where.netloc and where.path.startswith("/"):
            return value
        if where.scheme not in ("s3", "az") or not where.netloc or "@" in where.netloc or where.query or where.fragment:
            raise ValueError("it is file:///folder, s3://bucket/prefix or az://container/prefix, without a password")
        return value

    @field_validator("files_endpoint")
    @classmethod
    def _is_an_endpoint(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", value):
            raise ValueError("it is a URL such as https://s3.storage.example, without a password")
        return value or None

    @field_validator("smtp_url")
    @classmethod
    def _names_a_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            mail_server(value.get_secret_value())
        return value

    @field_validator("shop_url")
    @classmethod
    def _is_a_back_end(cls, value: str | None) -> str | None:
        if not value:
            return None  # Compose sets it to nothing
        _, path = parsed_url(value)
        if not path.strip("/"):
            raise ValueError("it has a path, such as https://shop.example/admin-api")
        return value.rstrip("/")

    @field_validator("shop_api_key", "shop_channel")
    @classmethod
    def _fits_in_a_header(cls, value: SecretStr | str | None) -> SecretStr | str | None:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not text:
            return None
        if not re.fullmatch(r"[!-~]+", text):
            raise ValueError("it has no blanks and no characters beyond ASCII")
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value and not is_address(value):
            raise ValueError("it is an e-mail address alone, such as portal@company.example")
        return value or None  # Compose sets it to nothing

    @model_validator(mode="after")
    def _goes_together(self, info: ValidationInfo) -> "Settings":
        unusable: frozenset[str] = (info.context or {}).get(UNUSABLE, frozenset())
        problems = [
            problem for names, check in _TOGETHER if unusable.isdisjoint(names) for problem in check(self, unusable)
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def discloses(self) -> Literal["none", "code", "permission", "full"]:
        """Return how much a refusal explains."""
        if self.authorization_disclosure is not None:
            return self.authorization_disclosure
        return "permission" if self.environment == "production" else "full"

    @property
    def listens_at(self) -> str:
        """Return the address that the process itself listens at."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def address(self) -> str:
        """Return the address as browsers see it."""
        return self.public_url or self.listens_at

    @property
    def links(self) -> Mapping[str, str]:
        """Return where links of mails lead by kind of page, with `{token}` for the secret; `portal` is the start."""
        own = {kind: f"{self.address}/{kind.replace('_', '-')}?token={TOKEN}" for kind in PageUrls.model_fields}
        named = self.page_urls.model_dump(exclude_none=True) if self.page_urls is not None else {}
        return own | {"portal": self.address} | named

    @property
    def host_name(self) -> str:
        """Return the host of the address."""
        return urlsplit(self.address).hostname or "localhost"

    @property
    def sender(self) -> str:
        """Return the address that mails come from."""
        return self.mail_from or f"noreply@{self.host_name}"

    @property
    def shows_mailbox(self) -> bool:
        """Return whether everybody may read the mails: in a demo, whose mails stay here."""
        return self.demo and self.smtp_url is None

    @property
    def issuer(self) -> str:
        """Return who issues our tokens: the same for every process of a portal, whatever port it listens on."""
        return self.public_url or "urn:forecourt"

    @property
    def folder(self) -> Path:
        """Return the profile's own part of the data folder, so that two profiles never share a database."""
        return self.data_folder / Path(self.profile).name

    @property
    def of_extensions(self) -> Mapping[str, str]:
        """Return the settings of extensions by name, such as ``plants_url``; see `with_extension_settings`."""
        return self._of_extensions

    def with_extension_settings(self, values: Mapping[str, str]) -> "Settings":
        """Return these settings and those of extensions, which are theirs to check."""
        copy = self.model_copy()
        copy._of_extensions = dict(values)
        return copy

    @property
    def key_file(self) -> Path:
        """Return the file with the first signing key, beside which further ones stand."""
        return self.signing_key_file or self.folder / "signing_key.pem"

    @property
    def files_folder(self) -> Path:
        """Return the folder where files are, unless they are in a store."""
        return self.folder / "files" if self.files_url is None else Path(unquote(urlsplit(self.files_url).path))

    @property
    def database(self) -> str:
        """Return the URL of our own database."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.folder / 'forecourt.db'}"

    @property
    def database_limits(self) -> DatabaseLimits:
        """Return how much of the database this process takes."""
        return DatabaseLimits(
            self.database_connections, self.database_timeout_seconds, self.database_lock_timeout_seconds
        )

    @property
    def makes_suggestions(self) -> bool:
        """Return whether errors may say `Did you mean …`, which reveals the schema."""
        return self.environment != "production" if self.suggestions is None else self.suggestions

    @property
    def serves_graphiql(self) -> bool:
        """Return whether GraphiQL is served."""
        return self.environment != "production" if self.graphiql is None else self.graphiql


UNUSABLE = "unusable"
"""The key of a validation's context with the names of those settings whose values cannot be used.

What would be said of them together with others is left out, so that all else can be said at once.
"""


def _client_addresses(settings: Settings, _unusable: frozenset[str]) -> Iterator[str]:
    if settings.max_connections_per_address is not None and settings.trusted_proxies:
        yield (
            "A proxy's address is that of all its connections, so max_connections_per_address does not go with "
            "trusted_proxies; let the proxy count those of a client."
        )


def _sender(settings: Settings, _unusable: frozenset[str]) -> Iterator[str]:
    if settings.smtp_url is not None and not is_address(settings.sender):
        yield "Mails need FORECOURT_MAIL_FROM, for the host of the public URL is no mail domain."


def _shop(settings: Settings, unusable: frozenset[str]) -> Iterator[str]:
    given = {name: getattr(settings, name) for name in ("shop_url", "shop_api_key", "shop_channel")}
    if settings.shop == "embedded" and any(given.values()):
        name = next(name for name, value in given.items() if value)
        yield f"{PREFIX}{name.upper()} is about a shop of your own; set {PREFIX}SHOP=vendure, or leave it out."
    for name in ("shop_url", "shop_api_key"):
        if settings.shop != "embedded" and not given[name] and name not in unusable:
            yield f"{PREFIX}SHOP={settings.shop} needs {PREFIX}{name.upper()}."


def _production(settings: Settings, unusable: frozenset[str]) -> Iterator[str]:
    if settings.environment != "production":
        return
    if settings.demo:
        yield "The demo's accounts have a public password, so it does not run in production."
    if settings.signing_key_file is None and "signing_key_file" not in unusable:
        yield (
            "Production needs FORECOURT_SIGNING_KEY_FILE, the same key for every process; make one with "
            "`openssl genpkey -algorithm ed25519 -out signing_key.pem`."
        )
    if settings.public_url is None and "public_url" not in unusable:
        yield "Production needs FORECOURT_PUBLIC_URL, the address as browsers see it."
    if (
        settings.smtp_url is None
        and not settings.mail_stays_here
        and unusable.isdisjoint(("smtp_url", "mail_stays_here"))
    ):
        yield (
            "Production needs FORECOURT_SMTP_URL, the mail server that takes invitations and confirmations, such as "
            "smtp://user:password@mail.example:587; FORECOURT_MAIL_STAYS_HERE=true says that nobody shall get them."
        )


def _pages(settings: Settings, _unusable: frozenset[str]) -> Iterator[str]:
    named = settings.page_urls.model_dump(exclude_none=True) if settings.page_urls is not None else {}
    missing = [kind for kind in PageUrls.model_fields if kind not in (*named, "portal")]
    if not settings.pages and missing:
        yield (
            "With FORECOURT_PAGES=false, links of mails lead nowhere; say where: "
            + ", ".join(f"{PREFIX}PAGE_URLS_{kind.upper()}" for kind in missing)
            + "."
        )


def _passwords(settings: Settings, _unusable: frozenset[str]) -> Iterator[str]:
    is_enough = settings.max_cost >= Settings.model_fields["max_cost"].default
    if is_enough or settings.environment != "production" or settings.cost_mode != "enforce":
        return
    from schema.graph.cost_directives import (
        PASSWORD_CHECK,  # with the library of the schema, which a worker does without
    )

    least = 2 * PASSWORD_CHECK
    if settings.max_cost <= least:
        yield (
            f"With FORECOURT_MAX_COST={settings.max_cost}, nobody could change a password, which costs {least:,} and "
            "what it answers, signing in half as much; allow more, or set FORECOURT_COST_MODE=measure."
        )


def _dry_run(settings: Settings, _unusable: frozenset[str]) -> Iterator[str]:
    if settings.authorization_dry_run and settings.authorization_reject_unauthorized:
        yield "A dry run refuses nothing, so authorization_reject_unauthorized says the contrary."
    if (
        settings.authorization_dry_run
        and settings.environment == "production"
        and not settings.authorization_dry_run_in_production
    ):
        yield (
            "The dry run shows members what they have no right to see; if that is meant in production, confirm it "
            "by FORECOURT_AUTHORIZATION_DRY_RUN_IN_PRODUCTION=true."
        )


def _files(settings: Settings, _unusable: frozenset[str]) -> Iterator[str]:
    stores = settings.files_url is not None and not settings.files_url.startswith("file:")
    given = {
        "files_account": settings.files_account,
        "files_secret": settings.files_secret,
        "files_region": settings.files_region,
        "files_endpoint": settings.files_endpoint,
    }
    if stores:
        missing = [name for name in ("files_account", "files_secret") if not given[name]]
        if missing:
            named = " and ".join(PREFIX + name.upper() for name in missing)
            yield f"Files at {settings.files_url} need {named}, to sign links."
    elif surplus := [name for name, value in given.items() if value]:
        yield f"{', '.join(surplus)} say nothing without files_url = s3://… or az://…."


_TOGETHER: tuple[tuple[tuple[str, ...], Callable[[Settings, frozenset[str]], Iterator[str]]], ...] = (
    (("max_connections_per_address", "trusted_proxies"), _client_addresses),
    (("smtp_url", "mail_from", "public_url"), _sender),
    (("shop",), _shop),
    (("environment",), _production),
    (("pages", "page_urls"), _pages),
    (("files_url", "files_account", "files_secret", "files_region", "files_endpoint"), _files),
    (("max_cost", "cost_mode", "environment"), _passwords),
    (("environment",), _dry_run),
)
"""What settings have to say of one another: each with the settings without which it says nothing."""


def _origin(text: str) -> str:
    """Return an origin as browsers send it: in lower case, without the port that goes without saying.

    Raises:
        ValueError: It is none.
    """
    found = re.fullmatch(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", text.lower())
    try:
        port = urlsplit(text).port
    except ValueError:
        port = 0
    if found is None or port == 0:
        raise ValueError(
            f"{text} is no origin; write https://portal.example, with a port where there is one, without a path and "
            "without *, and a host with other letters as browsers send it (xn--…)"
        )
    scheme, host = found[1], found[2]
    return f"{scheme}://{host}" if port in (None, {"http": 80, "https": 443}[scheme]) else f"{scheme}://{host}:{port}"

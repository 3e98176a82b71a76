"""Files in a store that is not ours: links that it accepts for minutes, for one file and for reading alone."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.errors import BackendUnavailable
from connectors.files.signed import SignedFiles, SignedStore
from permissions.access_rules import SEE_ORDERS
from resolvers.files import download_link
from tests.files.azurite import ACCOUNT, KEY, fetched, put, running, status_of
from tests.files.test_downloads import MANUAL, PURCHASE, context_of, helios
from tests.portal import open_portal

MINUTES = timedelta(minutes=5)
AMAZON = SignedStore("s3://documents/portal", "AKIA", "secret", region="eu-central-1")


def test_a_link_to_s3_is_for_one_file_for_minutes_and_shows_no_secret() -> None:
    link = SignedFiles(AMAZON).link("manuals/Größe 3.pdf", valid_for=MINUTES)

    where, asked = urlsplit(link), parse_qs(urlsplit(link).query)
    assert where.netloc == "s3.eu-central-1.amazonaws.com"
    assert where.path == "/documents/portal/manuals/Gr%C3%B6%C3%9Fe%203.pdf"
    assert asked["X-Amz-Expires"] == ["300"]
    assert asked["X-Amz-Credential"][0].startswith("AKIA/")
    assert len(asked["X-Amz-Signature"][0]) == 64
    assert "secret" not in link


def test_a_link_to_s3_is_signed_by_the_secret_and_the_key_and_names_another_endpoint() -> None:
    def signature(store: SignedStore, key: str) -> str:
        return parse_qs(urlsplit(SignedFiles(store).link(key, valid_for=MINUTES)).query)["X-Amz-Signature"][0]

    other_secret = SignedStore("s3://documents/portal", "AKIA", "another", region="eu-central-1")
    elsewhere = SignedStore("s3://documents", "AKIA", "secret", endpoint="https://s3.storage.example:9000")

    assert len({signature(AMAZON, "a"), signature(AMAZON, "b"), signature(other_secret, "a")}) == 3
    assert (
        SignedFiles(elsewhere).link("a", valid_for=MINUTES).startswith("https://s3.storage.example:9000/documents/a?")
    )


@pytest.mark.parametrize("key", ["../other/a", "/a", "a/../../b", ""])
def test_no_key_leads_out_of_the_prefix(key: str) -> None:
    with pytest.raises(ValueError, match="is no key of a file"):
        SignedFiles(AMAZON).link(key, valid_for=MINUTES)


def test_a_key_that_azure_would_not_verify_is_refused_at_once() -> None:
    files = SignedFiles(SignedStore("az://files", ACCOUNT, KEY))

    for key in ("manuals/a b.pdf", "manuals/ä.pdf", "a%41"):
        with pytest.raises(ValueError, match="cannot be signed for Azure"):
            files.link(key, valid_for=MINUTES)


def test_a_key_of_azure_that_is_none_is_refused_without_showing_it() -> None:
    with pytest.raises(BackendUnavailable, match="Invalid Access Key") as refused:
        SignedFiles(SignedStore("az://files", "account", "no base64!"))

    assert "no base64" not in str(refused.value)


@pytest.fixture(scope="module")
async def store() -> AsyncIterator[str]:
    """A store with one file in it."""
    async with running() as address:
        put(address, "portal/manuals/a-b.pdf", b"0123456789", "application/pdf")
        put(address, "other.pdf", b"somebody else's", "application/pdf")
        yield address


def azure(address: str, secret: str = KEY) -> SignedStore:
    return SignedStore("az://files/portal", ACCOUNT, secret, endpoint=address)


@pytest.mark.slow
async def test_a_real_store_gives_the_file_and_parts_of_it_to_whoever_has_the_link(store: str) -> None:
    link = SignedFiles(azure(store)).link("manuals/a-b.pdf", valid_for=MINUTES)

    status, body, headers = fetched(link)
    part = fetched(link, range="bytes=2-4")

    assert (status, body, headers["content-type"]) == (200, b"0123456789", "application/pdf")
    assert (part[0], part[1], part[2]["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert status_of(link, "HEAD") == 200


@pytest.mark.slow
async def test_a_real_store_refuses_what_was_not_signed(store: str) -> None:
    files = SignedFiles(azure(store))
    link = files.link("manuals/a-b.pdf", valid_for=MINUTES)
    another_key = base64.b64encode(b"another").decode()
    expired = files.link("manuals/a-b.pdf", valid_for=timedelta(seconds=1))
    await asyncio.to_thread(_wait_until_refused, expired)

    assert status_of(link) == 200
    assert {
        "another file": status_of(link.replace("portal/manuals/a-b.pdf", "other.pdf")),
        "to write": status_of(link, "PUT", x_ms_blob_type="BlockBlob"),
        "to delete": status_of(link, "DELETE"),
        "longer": status_of(_until(link, "2099-01-01T00:00:00Z")),
        "expired": status_of(expired),
        "unsigned": status_of(link.partition("?")[0]),
        "another key": status_of(SignedFiles(azure(store, another_key)).link("manuals/a-b.pdf", valid_for=MINUTES)),
    } == dict.fromkeys(["another file", "to write", "to delete", "longer", "expired", "unsigned", "another key"], 403)


def _wait_until_refused(link: str) -> None:
    until = time.monotonic() + 60
    while status_of(link) == 200 and time.monotonic() < until:
        time.sleep(0.2)


def _until(link: str, instant: str) -> str:
    end = parse_qs(urlsplit(link).query)["se"][0]
    return link.replace(end.replace(":", "%3A"), instant.replace(":", "%3A"))


@pytest.mark.slow
async def test_a_store_is_up_only_while_it_answers_and_takes_our_key(store: str) -> None:
    another_key = base64.b64encode(b"another").decode()

    assert await SignedFiles(azure(store)).healthy()
    assert not await SignedFiles(azure(store, another_key)).healthy()
    with pytest.raises(BackendUnavailable, match="files: "):
        await SignedFiles(azure("http://127.0.0.1:9/forecourt")).healthy()


@pytest.mark.slow
async def test_a_portal_links_to_a_real_store_and_serves_nothing_itself(store: str) -> None:
    settings = {
        "files_url": "az://files/portal", "files_account": ACCOUNT, "files_secret": KEY, "files_endpoint": store,
        "files_link_minutes": 1,
    }  # fmt: skip
    async with open_portal(**settings) as portal:
        context = await context_of(portal, PURCHASE)
        link = download_link(context, MANUAL, SEE_ORDERS, await helios(portal))
        put(store, f"portal/{MANUAL.key}", b"manual", "application/pdf")
        ready = (await portal.client.get("/health/ready")).json()
        ours = await portal.client.get("/files/x")

    assert link is not None
    assert fetched(link)[:2] == (200, b"manual")
    assert ready["backends"]["files"] == "up"
    assert ours.status_code == 404
    assert portal.wiring.folder is None

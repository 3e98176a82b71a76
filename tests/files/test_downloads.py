"""Files in the folder: links count for minutes, for whom they are and while they may; parts, names, no way out."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from connectors.directory.records.access import GrantKind
from connectors.directory.records.memberships import MembershipStatus
from connectors.ids import OrganizationId, SessionId
from connectors.pages import Slice
from gateway.pages.file_download import content_disposition
from permissions.access_rules import AUTHENTICATED, SEE_ORDERS
from resolvers.context import RequestContext, ViewAs
from resolvers.files import StoredFile, download_link, safe_name
from tests.portal import Portal, open_portal

PURCHASE = "purchase@helios.example"
CONTENT = bytes(range(256)) * 40
MANUAL = StoredFile("manuals/2026/inverter.pdf", "Handbuch Größe 3.pdf", "application/pdf")


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    """A gateway with one file in its folder."""
    async with open_portal() as opened:
        file = folder_of(opened) / MANUAL.key
        file.parent.mkdir(parents=True)
        file.write_bytes(CONTENT)
        yield opened


def folder_of(portal: Portal) -> Path:
    """The folder that the gateway made at its start."""
    return portal.settings.folder / "files"


async def context_of(portal: Portal, login_name: str = PURCHASE) -> RequestContext:
    """A request of somebody who is signed in."""
    backends = portal.wiring.backends
    user_id = await backends.directory.user_id_of_login_name(login_name)
    assert user_id is not None
    await portal.person(login_name)
    (sessions,) = await backends.directory.sessions_of([user_id], now=portal.clock(), limit=1)
    caller = await backends.directory.caller(user_id, SessionId(sessions[0].id), portal.clock())
    context = RequestContext(backends, portal.wiring.policy, portal.clock(), "test")
    context.become(caller)
    return context


async def link_of(portal: Portal, file: StoredFile = MANUAL) -> str:
    """The path of a link for somebody who may see the orders of Helios."""
    link = download_link(await context_of(portal), file, SEE_ORDERS, await helios(portal))
    assert link is not None
    assert link.startswith(f"{portal.settings.address}/files/")
    return link.removeprefix(portal.settings.address)


async def helios(portal: Portal) -> OrganizationId:
    return OrganizationId(await portal.organization_of(PURCHASE))


async def fetched(portal: Portal, link: str, method: str = "GET", **headers: str) -> httpx2.Response:
    """What the gateway answers to a browser, which sends no token."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await portal.client.request(method, link, headers=sent)


async def test_a_file_is_fetched_whole_under_its_name_and_never_shown_as_a_page(portal: Portal) -> None:
    link = await link_of(portal)

    answer = await fetched(portal, link)
    head = await fetched(portal, link, "HEAD")

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert (head.status_code, head.content) == (200, b"")
    for one in (answer, head):
        assert one.headers["content-length"] == str(len(CONTENT))
        assert one.headers["content-type"] == "application/pdf"
        assert one.headers["accept-ranges"] == "bytes"
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["cache-control"] == "private, no-store"
        assert one.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert one.headers["content-disposition"] == (
            "attachment; filename=\"Handbuch Gro_e 3.pdf\"; filename*=UTF-8''Handbuch%20Gr%C3%B6%C3%9Fe%203.pdf"
        )
    assert head.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=10200-", 10200, 10239), ("bytes=-5", 10235, 10239), ("bytes=10-99999", 10, 10239)],
)
async def test_a_download_goes_on_where_it_stopped(portal: Portal, asked: str, first: int, last: int) -> None:
    link = await link_of(portal)

    answer = await fetched(portal, link, range=asked)

    assert (answer.status_code, answer.content) == (206, CONTENT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/10240"


async def test_a_part_beyond_the_end_is_refused_with_the_length(portal: Portal) -> None:
    answer = await fetched(portal, await link_of(portal), range="bytes=10240-")

    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */10240")


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=9-3x", "pages=1-2", "bytes=", "bytes=-", "x" * 500])
async def test_what_is_no_single_range_gets_the_whole_file(portal: Portal, asked: str) -> None:
    answer = await fetched(portal, await link_of(portal), range=asked)

    assert (answer.status_code, answer.content) == (200, CONTENT)


async def test_a_file_that_changed_meanwhile_is_sent_whole_so_that_parts_never_mix(portal: Portal) -> None:
    link = await link_of(portal)
    etag = (await fetched(portal, link)).headers["etag"]

    same = await fetched(portal, link, range="bytes=5-9", if_range=etag)
    file = folder_of(portal) / MANUAL.key
    file.write_bytes(b"another")
    os.utime(file, (1, 1))
    other = await fetched(portal, link, range="bytes=5-9", if_range=etag)

    assert (same.status_code, same.content) == (206, CONTENT[5:10])
    assert (other.status_code, other.content) == (200, b"another")
    assert other.headers["etag"] != etag


async def test_a_link_ends_after_minutes(portal: Portal) -> None:
    link = await link_of(portal)

    portal.clock.move(timedelta(minutes=4, seconds=59))
    before = await fetched(portal, link)
    portal.clock.move(timedelta(seconds=1))
    after = await fetched(portal, link)

    assert (before.status_code, after.status_code) == (200, 404)
    assert after.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_link_ends_with_the_session_the_role_and_the_membership(portal: Portal) -> None:
    """Asked again at each download, so that nobody waits for minutes until what was taken away is gone."""
    directory, helios_id = portal.wiring.backends.directory, await helios(portal)
    context = await context_of(portal)
    caller = context.caller
    assert caller is not None
    assert caller.session_id is not None
    link = await link_of(portal)
    personal = download_link(context, MANUAL, AUTHENTICATED)
    assert personal is not None
    membership_id = caller.standings[helios_id].membership_id
    (page,) = await directory.memberships_of([caller.user.id], Slice(1))

    async with directory.change() as change:
        (grants,) = await change.ask.grants_of([membership_id])
        for grant in grants:
            await change.revoke(grant.id)
    without_role = await fetched(portal, link)
    async with directory.change() as change:
        await change.give(membership_id, GrantKind.ROLE, "purchase", until=None, by=None, now=portal.clock())
    with_role = await fetched(portal, link)
    async with directory.change() as change:
        await change.set_membership_status(membership_id, MembershipStatus.SUSPENDED, now=portal.clock())
    suspended = await fetched(portal, link)
    still_signed_in = await fetched(portal, personal)
    async with directory.change() as change:
        await change.end_sessions(caller.user.id, portal.clock())
    signed_out = await fetched(portal, personal)

    assert page.items[0].id == membership_id
    statuses = [one.status_code for one in (without_role, with_role, suspended, still_signed_in, signed_out)]
    assert statuses == [404, 200, 404, 200, 404]


async def test_nobody_gets_a_link_who_may_not_have_the_file(portal: Portal) -> None:
    helios_id = await helios(portal)
    stranger = await context_of(portal, "administration@lumen.example")
    without = await context_of(portal, "installation@helios.example")
    nobody = RequestContext(portal.wiring.backends, portal.wiring.policy, portal.clock(), "test")
    looking = await context_of(portal)
    assert looking.caller is not None
    looking.view_as = ViewAs(
        looking.caller.standings[helios_id].membership_id, "Jörg Weiß", "Dora", shows_contacts=False, withheld=()
    )

    links = [download_link(one, MANUAL, SEE_ORDERS, helios_id) for one in (stranger, without, nobody, looking)]

    assert links == [None] * 4


@pytest.mark.parametrize(
    "key",
    ["../secret", "manuals/../../secret", "/etc/passwd", "", "a//b", ".", "a/..", "..\\secret", "c:/x", "a\0b", "a\nb"],
)
async def test_no_key_leads_out_of_the_folder(portal: Portal, key: str) -> None:
    (folder_of(portal).parent / "secret").write_text("secret")
    context = await context_of(portal)

    with pytest.raises(ValueError, match="is no key of a file"):
        download_link(context, StoredFile(key, "x"), SEE_ORDERS, await helios(portal))

    assert portal.wiring.folder is not None
    assert await portal.wiring.folder.path_of(key) is None


async def test_a_link_in_the_folder_that_leads_elsewhere_leads_to_nothing(portal: Portal, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder_of(portal) / "out").symlink_to(tmp_path)
    (folder_of(portal) / "within").symlink_to("manuals")

    out = await fetched(portal, await link_of(portal, StoredFile("out/secret", "x")))
    within = await fetched(portal, await link_of(portal, StoredFile("within/2026/inverter.pdf", "x")))
    folder = await fetched(portal, await link_of(portal, StoredFile("manuals", "x")))
    unknown = await fetched(portal, await link_of(portal, StoredFile("manuals/none.pdf", "x")))

    assert [one.status_code for one in (out, within, folder, unknown)] == [404, 200, 404, 404]


async def test_what_is_no_link_of_ours_leads_to_nothing(portal: Portal) -> None:
    link, seals = await link_of(portal), portal.wiring.backends.seals
    sealed = [seals.seal(text) for text in ("", "{}", "[]", "null", '{"for":"file"}', '{"for":"mail","until":"x"}')]
    forged = [f"/files/{text}" for text in (*sealed, "x", quote("../x", safe=""), "é")]
    changed = f"{link[:-6]}{'A' if link[-6] != 'A' else 'B'}{link[-5:]}"

    answers = [await fetched(portal, one) for one in (*forged, changed, "/files/")]

    assert {one.status_code for one in answers} == {404}


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Rechnung 2026.pdf", "Rechnung 2026.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Users\\x.exe", "C__Users_x.exe"),
        ('a"; filename="evil.exe', "a_; filename=_evil.exe"),
        ("a\r\nset-cookie: x=1.pdf", "aset-cookie_ x=1.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a" * 300 + ".pdf", "a" * 146 + ".pdf"),
        (" .. ", "file"),
        ("", "file"),
    ],
)
def test_a_name_is_one_that_every_system_can_keep(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_name_in_other_letters_has_one_in_ascii_beside_it() -> None:
    assert content_disposition("plain (1).txt") == 'attachment; filename="plain (1).txt"'
    assert content_disposition("見積書 'A'.pdf") == (
        "attachment; filename=\"___ 'A'.pdf\"; filename*=UTF-8''%E8%A6%8B%E7%A9%8D%E6%9B%B8%20%27A%27.pdf"
    )


async def test_a_directory_that_is_down_is_503_and_no_file_leaves(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await link_of(portal)

    async def down(*_asked: Any, **_more: Any) -> Any:
        from connectors.errors import BackendUnavailable

        raise BackendUnavailable("directory", "away")

    monkeypatch.setattr(type(portal.wiring.backends.directory), "caller", down)
    answer = await fetched(portal, link)

    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"]["code"] == "BACKEND_UNAVAILABLE"


async def test_readiness_names_the_files_and_a_folder_that_is_gone_is_down(portal: Portal) -> None:
    before = await portal.wiring.checks["files"]()
    folder_of(portal).rename(folder_of(portal).with_name("moved"))

    assert (before, await portal.wiring.checks["files"]()) == (True, False)

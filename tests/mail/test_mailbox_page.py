"""The mailbox page of the demo, without a browser."""

import pytest

from tests.mail import smtp
from tests.mail.letters import DINA, TOKEN, mail, queue
from tests.portal import Portal, open_portal

HOSTILE = '<script>alert(1)</script><img src="https://evil.example/x.png">'


async def ids(portal: Portal) -> list[str]:
    """The ids of the mails in the mailbox, newest first."""
    assert portal.wiring.mailbox is not None
    return [kept.id for kept in await portal.wiring.mailbox.mails(limit=1_000)]


async def test_the_mails_are_listed_newest_first(portal: Portal) -> None:
    empty = (await portal.client.get("/mailbox")).text
    await queue(portal, mail(organization="First"))
    await portal.deliver()
    await queue(portal, mail("jonas@helios.example", organization="Second"))
    await portal.deliver()  # what is delivered at once arrives in any order

    page = (await portal.client.get("/mailbox")).text

    assert "No mail yet." in empty
    assert page.index("jonas@helios.example") < page.index(DINA)
    assert page.index("invites you to Second") < page.index("invites you to First")
    assert [f'href="/mailbox/{id}"' in page for id in await ids(portal)] == [True, True]


async def test_a_mail_is_shown_as_text_with_its_links_and_as_html_in_a_frame(portal: Portal) -> None:
    await queue(portal, mail(message="Hello, see https://elsewhere.example"))
    await portal.deliver()
    (id,) = await ids(portal)

    page = (await portal.client.get(f"/mailbox/{id}")).text

    link = f"{portal.settings.address}/invitation?token={TOKEN}"
    assert f'<a href="{link}" target="_blank" rel="noopener noreferrer">{link}</a>' in page
    assert page.count('target="_blank"') == 1
    assert f'sandbox="allow-popups allow-popups-to-escape-sandbox" src="/mailbox/{id}/letter"' in page
    assert (await portal.client.get(f"/mailbox/{id}/letter")).text == (await portal.mails())[0].html


async def test_nothing_in_a_mail_runs_or_asks_somebody_else(portal: Portal) -> None:
    await queue(portal, mail(organization=HOSTILE, message=HOSTILE, inviter=HOSTILE))
    await portal.deliver()
    (id,) = await ids(portal)

    for path in ("/mailbox", f"/mailbox/{id}", f"/mailbox/{id}/letter", "/mailbox/mal_x", "/mailbox/%3Cscript%3E"):
        answer = await portal.client.get(path)
        assert "<script" not in answer.text
        assert "<img" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src ")
        assert "script-src" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
    letter = await portal.client.get(f"/mailbox/{id}/letter")
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in letter.headers["content-security-policy"]
    assert "allow-scripts" not in letter.headers["content-security-policy"]


async def test_a_mail_that_is_not_there_is_said_to_be_gone(portal: Portal) -> None:
    page = await portal.client.get("/mailbox/mal_x")
    letter = await portal.client.get("/mailbox/mal_x/letter")

    assert (page.status_code, letter.status_code) == (404, 404)
    assert "There is no such mail" in page.text


@pytest.mark.parametrize("path", ["/mailbox", "/mailbox/style.css", "/mailbox/mal_x", "/mailbox/mal_x/letter"])
async def test_without_the_demo_or_with_a_mail_server_there_is_no_such_page(path: str) -> None:
    async with smtp.mail_server() as server:
        leaving = {"smtp_url": f"smtp+plain://127.0.0.1:{server.port}", "mail_from": "noreply@portal.example"}
        async with open_portal(**leaving) as portal:
            assert (await portal.client.get(path)).status_code == 404
    async with open_portal(demo=False) as portal:
        assert (await portal.client.get(path)).status_code == 404


async def test_pages_of_links_lead_to_graphiql_where_it_is_served(portal: Portal) -> None:
    for path in ("/invitation", "/registration", "/password-reset", "/email-change", "/account-deletion"):
        answer = await portal.client.get(f"/graphiql{path}")
        assert answer.status_code in (200, 503)  # 503 where the page is not built
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    async with open_portal(graphiql=False) as without:
        assert (await without.client.get("/graphiql/invitation")).status_code == 404

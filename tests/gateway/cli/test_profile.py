"""``forecourt profile``: a portal of one's own is made, checked, started and used, without a line of a shipped one."""

import asyncio
import os
import re
import shutil
import socket
import sys
import tomllib
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.cli.main import cli
from gateway.profile_portal import PortalTable, Registration
from tests.docs.markdown import ROOT
from tests.mail.smtp import MailServer, mail_server
from tests.registrations.registering import ACCESS, CONFIRM, DECIDE, LIST, REGISTER, organization

PASSWORD = "drei Dachziegel im Regen"
RESET = """
mutation ($input: ResetPasswordInput!) {
  resetPassword(input: $input) { viewer { loginNames } errors { code message path } }
}
"""
SIGN_IN = """
mutation ($input: SignInInput!) { signIn(input: $input) { accessToken errors { code message path } } }
"""
TILES = "{ viewer { applications { application { key iconUrl } } } }"
PAGE = """
{
  viewer {
    applications { application { key iconUrl } launch { url } }
    defaultOrganization { name customerNumber orders(first: 5) { totalCount } }
  }
}
"""


def runs(*arguments: str) -> Result:
    """Run a command without any setting of this machine."""
    without = {name: None for name in os.environ if name.startswith("FORECOURT_")}
    return CliRunner().invoke(cli, ["profile", *arguments], env=without)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A new profile."""
    folder = tmp_path / "my_portal"
    result = runs("new", str(folder), "--title", 'Portal "Nord"', "--contact", "+49 451 5550100")
    assert result.exit_code == 0, result.output
    return folder


def rewrite(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")


def test_a_new_profile_is_complete_and_says_how_to_go_on(own: Path, tmp_path: Path) -> None:
    checked = runs("check", str(own))

    profile = tomllib.loads((own / "profile.toml").read_text(encoding="utf-8"))
    assert profile["title"] == dict.fromkeys(("de", "en", "fr"), 'Portal "Nord"')
    assert "+49 451 5550100" in profile["contact"]["fr"]
    assert sorted(file.name for file in (own / "icons").iterdir()) == ["downloads.svg", "help.svg", "shop.svg"]
    assert checked.exit_code == 0, checked.output
    assert checked.stdout.splitlines()[0] == f"{own} is good: 3 roles, 3 applications."
    assert runs("new", str(tmp_path / "folder-name")).exit_code == 0
    named = tomllib.loads((tmp_path / "folder-name" / "profile.toml").read_text(encoding="utf-8"))
    assert named["title"]["en"] == "Folder name"


def test_what_a_new_profile_lacks_to_go_live_is_named_with_its_line(own: Path) -> None:
    checked = runs("check", str(own))

    lines = checked.stdout.splitlines()
    assert lines[1] == "Before it goes live:"
    assert [re.sub(r"^.*\[", "[", line) for line in lines[2:]] == [
        "[applications.shop] leads to shop.vendor.example, a domain that is nobody's.",
        "[applications.downloads] leads to downloads.vendor.example, a domain that is nobody's.",
        "[applications.help] leads to help.vendor.example, a domain that is nobody's.",
    ]
    assert "applications.toml, line 16:" in lines[2]


def test_every_key_that_a_profile_may_have_stands_in_a_new_one_ready_to_be_used(own: Path) -> None:
    file = own / "profile.toml"
    for logo in ("logo", "logo_dark", "favicon"):
        shutil.copy(own / "icons" / "shop.svg", own / "icons" / f"{logo}.svg")
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"(?m)^# (?=\[|[a-z_]+ = )", "", text), encoding="utf-8")

    used = tomllib.loads(file.read_text(encoding="utf-8"))
    checked = runs("check", str(own))

    assert set(used) == {"title", "contact", "pages", *PortalTable.model_fields}
    assert set(used["registration"]) == set(Registration.model_fields)
    assert used["locales"] == ["de", "en", "fr"]
    assert checked.exit_code == 0, checked.stderr


def test_addresses_at_a_domain_that_is_nobodys_are_named_with_their_line(own: Path) -> None:
    rewrite(
        own / "profile.toml",
        ('# logo = "/icons/logo.svg"', 'logo = "https://cdn.nord.test/logo.svg"\nfavicon = "https://nord.de/app.test"'),
        (
            "# [terms_url]",
            '[pages]\nmembers = "https://portal.example.com/people"\n[privacy_url]\nen = "https://localhost/privacy"\n'
            '[help_url]\nen = "https://nord.de/example/help"\nde = "https://nord.de/hilfe"\n[terms_url]\n'
            'de = "https://www.vendor.example/agb"\nen = "https://www.nord.de/terms"\n'
            'fr = "https://www.vendor.example/cgu"\n#',
        ),
    )

    checked = runs("check", str(own))

    assert checked.exit_code == 0, checked.stderr
    text = (own / "profile.toml").read_text(encoding="utf-8").splitlines()
    said = [line for line in checked.stdout.splitlines() if "profile.toml" in line]
    found = [re.fullmatch(r".*profile\.toml, line (\d+): (.*)", line) for line in said[:4]]
    assert [(match[2], text[int(match[1]) - 1]) for match in found if match] == [
        (
            "logo leads to cdn.nord.test, a domain that is nobody's.",
            'logo = "https://cdn.nord.test/logo.svg"',
        ),
        (
            "terms_url de, fr leads to www.vendor.example, a domain that is nobody's.",
            'de = "https://www.vendor.example/agb"',
        ),
        ("privacy_url en leads to localhost, a domain that is nobody's.", 'en = "https://localhost/privacy"'),
        (
            "pages.members leads to portal.example.com, a domain that is nobody's.",
            'members = "https://portal.example.com/people"',
        ),
    ]
    assert [line.partition("profile.toml: ")[2] for line in said[4:]] == [
        "privacy_url is missing in de, fr, in which the portal has its title.",
        "help_url is missing in fr, in which the portal has its title.",
    ]


def test_without_a_contact_nobody_would_learn_how_to_reach_the_vendor(tmp_path: Path) -> None:
    folder = tmp_path / "unreachable"
    runs("new", str(folder))

    checked = runs("check", str(folder)).stdout
    (folder / "profile.toml").write_text('[title]\nen = "Portal"\nde = "Portal"\n', encoding="utf-8")
    without = runs("check", str(folder)).stdout

    assert 'profile.toml, line 25: [contact] de, en, fr: "vendor.example" is a domain that is nobody\'s' in checked
    assert "profile.toml: it has no [contact], so nobody would learn how to reach you" in without
    assert "contact is missing in en, de" in without


@pytest.mark.parametrize("there", ["folder", "file", "link"])
def test_what_is_there_is_never_written_over(tmp_path: Path, there: str) -> None:
    target = tmp_path / "there"
    if there == "folder":
        target.mkdir()
    elif there == "file":
        target.write_text("mine", encoding="utf-8")
    else:
        target.symlink_to(tmp_path / "elsewhere")

    result = runs("new", str(target))

    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{target} is there already, and nothing was changed." in result.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["solar_terminal"], "solar_terminal is the name of a shipped profile."),
        (["mine", "--title", " "], "Write the title in letters that can be seen, on one line."),
        (["mine", "--contact", "line\nbreak"], "Write the contact in letters that can be seen, on one line."),
    ],
)
def test_what_could_not_be_used_is_refused_and_makes_nothing(tmp_path: Path, arguments: list[str], said: str) -> None:
    result = runs("new", str(tmp_path / arguments[0]), *arguments[1:])

    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("title", ['"', "\\", "{CONTACT}", "Weiß & Söhne # 1", "'''", "]"])
def test_any_title_stands_in_the_file_as_it_was_written(tmp_path: Path, title: str) -> None:
    runs("new", str(tmp_path / "mine"), "--title", title)

    profile = tomllib.loads((tmp_path / "mine" / "profile.toml").read_text(encoding="utf-8"))
    assert profile["title"] == dict.fromkeys(("de", "en", "fr"), title)


def test_all_that_is_wrong_is_reported_at_once_with_file_and_line(own: Path) -> None:
    rewrite(own / "profile.toml", ("[contact]", "[contakt]"))
    rewrite(
        own / "policy.toml",
        ('"ORDER_PLACE"]', '"ORDER_PLAICE"]'),
        ('assignable = ["administration", "purchase"', 'assignable = ["administration", "bying"'),
        ("administrative = true", 'administrative = "yes"'),
    )
    rewrite(
        own / "applications.toml",
        ('icon = "/icons/shop.svg"', 'icon = "/icons/shopp.svg"'),
        ('audience = ["BUSINESS_CUSTOMER"]', 'audience = ["BUSINESS"]'),
        ('kind = "EXTERNAL_LINK"', 'kind = "EXTERNAL"'),
    )
    rewrite(
        own / "demo.toml",
        ('customer_number = "500001"\n', ""),
        ('[[accounts]]\nlogin = "review', '[[acounts]]\nlogin = "review'),
    )
    rewrite(own / "examples" / "3-orders.graphql", ("totalCount", "totalCuont"))
    (own / "mail").mkdir()
    (own / "mail" / "de.toml").write_text("[invitatoin]\n", encoding="utf-8")

    result = runs("check", str(own))

    assert (result.exit_code, result.stdout) == (1, "")
    said = result.stderr
    for expected in (
        'profile.toml, line 24: "contakt" is not known; known are title, contact',
        'policy.toml, line 19: "ORDER_PLAICE" in permissions of [roles.purchase] is no permission',
        'policy.toml, line 10: [roles.administration] may assign "bying", which is no role',
        "policy.toml, line 8: administrative of [roles.administration] must be true or false",
        'applications.toml, line 11: [applications.shop]: "BUSINESS" is not known here',
        'applications.toml, line 57: [applications.help]: "EXTERNAL" is not known here',
        "demo.toml, line 24: acounts: ",
        "3-orders.graphql, line 8: Cannot query field 'totalCuont'",
        'de.toml: "invitatoin"',
    ):
        assert expected in said, (expected, said)


def test_a_missing_icon_is_named_with_the_line_that_asks_for_it(own: Path) -> None:
    (own / "icons" / "help.svg").rename(own / "icons" / "help.png")

    result = runs("check", str(own))

    assert result.exit_code == 1
    assert f"[applications.help]: there is no {own / 'icons' / 'help.svg'}; put an SVG file there" in result.stderr
    assert re.search(r"applications\.toml, line \d+: ", result.stderr)


@dataclass
class Live:
    """A folder in which somebody runs a portal of their own, in production, with a mail server."""

    folder: Path
    environment: dict[str, str]
    client: httpx2.AsyncClient
    mails: MailServer

    async def forecourt(self, *arguments: str) -> None:
        """Run a command to its end."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            *arguments,
            cwd=self.folder,
            env=self.environment,
            stdout=PIPE,
            stderr=STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Run `forecourt serve` until the block ends."""
        log = self.folder / "serve.log"
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", "serve", "--migrate",
                cwd=self.folder, env=self.environment, stdout=out, stderr=out,
            )  # fmt: skip
            try:
                async with asyncio.timeout(120):
                    while "Forecourt serves" not in log.read_text(encoding="utf-8"):
                        assert process.returncode is None, log.read_text(encoding="utf-8")
                        await asyncio.sleep(0.1)
                yield
            finally:
                if process.returncode is None:
                    process.terminate()
                await process.wait()

    async def asks(self, query: str, token: str | None = None, **variables: Any) -> Any:
        """Ask, and return the data; fails the test when there is an error in the answer or in a payload."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        response = await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        answer = response.json()
        assert "errors" not in answer, answer
        for payload in answer["data"].values():
            assert not (isinstance(payload, dict) and payload.get("errors")), payload
        return answer["data"]

    async def signs_in(self, login_name: str) -> str:
        """Sign in and return the access token."""
        answer = await self.asks(SIGN_IN, input={"loginName": login_name, "password": PASSWORD})
        token: str = answer["signIn"]["accessToken"]
        return token

    async def mailed(self, address: str) -> tuple[str, str]:
        """Wait for the next mail to an address; return its text and the secret of its link."""
        async with asyncio.timeout(60):
            while not (found := self._mails_to(address)):  # noqa: ASYNC110 - the mail server has no event for it
                await asyncio.sleep(0.05)
        self.mails.mails.remove(found[0])
        body = found[0].get_body(("plain",))
        assert body is not None
        text = body.get_content()
        secret = re.search(r"token=([\w-]+)", text)
        return text, secret[1] if secret else ""

    def _mails_to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails.mails if mail["To"].addresses[0].addr_spec == address]


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with (
        mail_server() as mails,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")} | {
            "PYTHONPATH": str(ROOT),
            "FORECOURT_ENVIRONMENT": "production",
            "FORECOURT_PROFILE": "./my_portal",
            "FORECOURT_PORT": str(port),
            "FORECOURT_PUBLIC_URL": "https://portal.nord.test",
            "FORECOURT_SIGNING_KEY_FILE": "keys/signing_key.pem",
            "FORECOURT_SMTP_URL": f"smtp+plain://127.0.0.1:{mails.port}",
            "FORECOURT_MAIL_FROM": "portal@nord.test",
        }
        yield Live(tmp_path, environment, client, mails)


@pytest.mark.slow
async def test_a_new_profile_goes_live_and_its_first_customer_is_approved_by_its_first_staff(live: Live) -> None:
    await live.forecourt("profile", "new", "my_portal", "--title", "Portal Nord", "--contact", "+49 451 5550100")
    (live.folder / "keys").mkdir()
    key = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", "keys/signing_key.pem"]
    await (await asyncio.create_subprocess_exec(*key, cwd=live.folder)).wait()

    async with live.serving():
        await live.forecourt(
            "staff", "invite", "dora@nord.test", "--all", "--first-name", "Dora", "--last-name", "Vogt"
        )
        _, secret = await live.mailed("dora@nord.test")
        await live.asks(RESET, input={"token": secret, "newPassword": PASSWORD})
        dora = await live.signs_in("dora@nord.test")

        registered = organization(applicantEmail="zoe@kunde.test", kind="RESELLER", locale="de")
        await live.asks(REGISTER, input=registered)
        letter, secret = await live.mailed("zoe@kunde.test")
        await live.asks(CONFIRM, input={"token": secret, "password": PASSWORD})

        (waiting,) = (await live.asks(LIST, dora))["registrations"]["nodes"]
        decision = {"id": waiting["id"], "idempotencyKey": "once", "customerNumber": "10001"}
        await live.asks(DECIDE["approveRegistration"], dora, input=decision)
        zoe = await live.signs_in("zoe@kunde.test")
        access = (await live.asks(ACCESS, zoe))["viewer"]
        page = (await live.asks(PAGE, zoe))["viewer"]
        icon = await live.client.get(page["applications"][0]["application"]["iconUrl"])
        of_staff = (await live.asks(TILES, dora))["viewer"]

    (membership,) = access["memberships"]["nodes"]
    assert (membership["status"], membership["organization"]["status"]) == ("ACTIVE", "ACTIVE")
    assert [grant["role"]["key"] for grant in membership["roleGrants"]] == ["administration"]
    assert [tile["application"]["key"] for tile in page["applications"]] == ["help"]
    assert page["defaultOrganization"] == {
        "name": "Firstblick GmbH", "customerNumber": "10001", "orders": {"totalCount": 0}
    }  # fmt: skip
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")
    assert [tile["application"]["key"] for tile in of_staff["applications"]] == ["help"]
    assert "Portal Nord" in letter
    assert "Unser Service hilft Ihnen weiter: +49 451 5550100." in letter


async def test_all_that_keeps_production_from_starting_is_reported_at_once(tmp_path: Path) -> None:
    runs("new", str(tmp_path / "my_portal"))
    rewrite(tmp_path / "my_portal" / "policy.toml", ('"ORDER_PLACE"]', '"ORDER_PLAICE"]'))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")} | {
        "PYTHONPATH": str(ROOT),
        "FORECOURT_ENVIRONMENT": "production",
        "FORECOURT_PROFILE": "./my_portal",
        "FORECOURT_PORT": "99999",
        "FORECOURT_SIGNING_KEY_FILE": "keys/signing_key.pem",
        "FORECOURT_PROFIL": "x",
        "FORECOURT_MAX_CONNECTIONS_PER_ADDRESS": "10",
        "FORECOURT_TRUSTED_PROXIES": "1",
    }

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", cwd=tmp_path, env=environment, stdout=PIPE, stderr=PIPE
    )
    _, said = await process.communicate()

    assert process.returncode == 2
    lines = said.decode().splitlines()
    for expected in (
        "There is no setting FORECOURT_PROFIL. Did you mean FORECOURT_PROFILE?",
        "FORECOURT_PORT: Input should be less than or equal to 65535.",
        "A proxy's address is that of all its connections",
        "Production needs FORECOURT_PUBLIC_URL",
        "Production needs FORECOURT_SMTP_URL",
        '"ORDER_PLAICE" in permissions of [roles.purchase] is no permission',
        '"vendor.example" is a domain that is nobody\'s',
        "There is no signing key keys/signing_key.pem.",
    ):
        assert any(expected in line for line in lines), (expected, lines)

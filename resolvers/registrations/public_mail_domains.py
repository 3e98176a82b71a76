"""Mail domains that say nothing of an organization, because anybody can have an address there."""

from connectors.values import login_key

FREEMAIL = frozenset(
    (
        *("aol.com", "aon.at", "arcor.de", "bluemail.ch", "bluewin.ch", "chello.at", "email.de", "fastmail.com"),
        *("free.fr", "freenet.de", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com"),
        *("hispeed.ch", "hotmail.ch", "hotmail.com", "hotmail.de", "hotmail.fr", "icloud.com", "laposte.net"),
        *("libero.it", "live.com", "live.de", "live.fr", "mac.com", "mail.com", "mail.de", "mailbox.org", "me.com"),
        *("msn.com", "online.de", "orange.fr", "outlook.com", "outlook.de", "outlook.fr", "posteo.de", "proton.me"),
        *("protonmail.com", "sfr.fr", "sunrise.ch", "t-online.de", "tutanota.com", "vodafone.de", "wanadoo.fr"),
        *("web.de", "yahoo.com", "yahoo.de", "yahoo.fr"),
    )
)


def organization_domain(email: str) -> str | None:
    """Return the part of an address after the @ when it is an organization's own, None for a provider for everybody."""
    domain = login_key(email).rpartition("@")[2]
    return domain if domain and domain not in FREEMAIL else None

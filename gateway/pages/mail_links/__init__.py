"""The pages that links of mails lead to: written by the server, without a script, in the reader's language."""

from gateway.pages.mail_links.links import LINKS
from gateway.pages.mail_links.routes import PortalWords, page_routes

__all__ = ["LINKS", "PortalWords", "page_routes"]

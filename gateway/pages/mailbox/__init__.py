"""The mailbox page of the demo: every mail that would have left, for whoever tries the portal."""

from gateway.pages.mailbox.routes import mailbox_routes

__all__ = ["mailbox_routes"]

"""The mailbox page of the demo: every mail that would have left, for whoever tries the portal."""

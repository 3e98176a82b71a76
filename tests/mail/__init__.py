"""What the portal writes to people, from the outbox to the mailbox."""

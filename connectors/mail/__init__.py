"""How mails leave: through a mail server, or into a mailbox of our own."""

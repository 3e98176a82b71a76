"""The pages that links of mails lead to: written by the server, without a script, in the reader's language."""

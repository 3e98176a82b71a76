"""Who belongs to which organization and what they were granted there: the gateway's own data."""

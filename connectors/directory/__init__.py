"""Who belongs to which company and what they were granted there: the gateway's own data."""

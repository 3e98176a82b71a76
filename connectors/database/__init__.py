"""Our own databases: SQLite, the embedded default, and PostgreSQL, which several machines share.

Each back end that keeps tables of its own (directory, embedded shop, embedded accounts) has its own metadata, its own
folder of migrations and its own version table; none joins another's tables.
"""

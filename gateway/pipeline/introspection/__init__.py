"""Introspection shows a caller what they may use, and nothing else of the schema."""

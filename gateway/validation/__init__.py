"""The rules a document is validated by: graphql-core's."""

from graphql import specified_rules

RULES = specified_rules

__all__ = ["RULES"]

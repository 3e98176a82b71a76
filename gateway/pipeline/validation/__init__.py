"""The rules a document is validated by: graphql-core's, but for the one whose time grows with the square."""

from graphql import OverlappingFieldsCanBeMergedRule, specified_rules

from gateway.pipeline.validation.overlapping_fields import OverlappingFields

RULES = tuple(OverlappingFields if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules)

__all__ = ["RULES"]

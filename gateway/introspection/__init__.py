"""Introspection shows a caller what they may use, and nothing else of the schema."""

from gateway.introspection.audience import Audience, audience_of
from gateway.introspection.filtering import SchemaFilter
from gateway.introspection.views import (
    ORGANIZATION_HEADER,
    Introspection,
    IntrospectionDisabled,
    Mode,
    SchemaViews,
    asks_for_the_schema,
    filter_introspection,
)

__all__ = [
    "ORGANIZATION_HEADER",
    "Audience",
    "Introspection",
    "IntrospectionDisabled",
    "Mode",
    "SchemaFilter",
    "SchemaViews",
    "asks_for_the_schema",
    "audience_of",
    "filter_introspection",
]

"""Introspection shows a caller what they may use, and nothing else of the schema."""

from gateway.pipeline.introspection.audience import Audience, audience_of
from gateway.pipeline.introspection.filtering import SchemaFilter
from gateway.pipeline.introspection.views import (
    DISABLED,
    DISABLED_MESSAGE,
    ORGANIZATION_HEADER,
    Introspection,
    IntrospectionDisabled,
    Mode,
    SchemaViews,
    filter_introspection,
    is_disabled,
    look_at,
)

__all__ = [
    "DISABLED",
    "DISABLED_MESSAGE",
    "ORGANIZATION_HEADER",
    "Audience",
    "Introspection",
    "IntrospectionDisabled",
    "Mode",
    "SchemaFilter",
    "SchemaViews",
    "audience_of",
    "filter_introspection",
    "is_disabled",
    "look_at",
]

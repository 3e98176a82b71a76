"""The headers of our own that a request may have, by their names."""

COST = "forecourt-cost"
"""A request with `forecourt-cost: true` gets in `extensions.cost` what it was estimated to cost."""

ORGANIZATION = "forecourt-organization"
"""The organization in which introspection shows what may be used; `extensions.organizationId` of a request wins."""

LANGUAGE = "forecourt-language"
"""The language chosen for this request, such as `fr-CH`; it wins over the profile's and over `Accept-Language`."""

VIEW_AS = "forecourt-view-as"
"""A request with `forecourt-view-as: <membership id>` is answered as that member would be answered."""

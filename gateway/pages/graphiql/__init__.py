"""The GraphiQL page at /graphiql: served from our own origin, under a strict content security policy."""

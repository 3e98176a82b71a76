"""The GraphiQL page at /graphiql: served from our own origin, under a strict content security policy."""

from gateway.pages.graphiql.routes import DemoAccount, DemoSignIn, ExampleQuery, GraphiqlPage, graphiql_routes

__all__ = ["DemoAccount", "DemoSignIn", "ExampleQuery", "GraphiqlPage", "graphiql_routes"]

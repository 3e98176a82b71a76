"""What happens: one function per query or command; knows neither GraphQL nor HTTP."""

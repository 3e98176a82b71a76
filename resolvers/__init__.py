"""What happens: one function per question or deed; knows neither GraphQL nor HTTP."""

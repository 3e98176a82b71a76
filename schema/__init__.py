"""What may be asked: GraphQL types, inputs, payloads and their guards."""

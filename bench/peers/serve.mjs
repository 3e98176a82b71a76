// One server in a process of its own: `node bench/peers/serve.mjs SERVER CONFIGURATION` prints its port.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { portal, typeDefs } from "./resolvers.mjs";

/** Node's own HTTP server and graphql-jit: about the least that a GraphQL server in Node can be. */
async function nodeGraphqlJit({ resolvers, context }) {
  const { buildSchema, parse, validate } = await import("graphql");
  const { compileQuery } = await import("graphql-jit");
  const schema = buildSchema(typeDefs);
  for (const [type, fields] of Object.entries(resolvers))
    for (const [name, resolve] of Object.entries(fields)) schema.getType(type).getFields()[name].resolve = resolve;
  const compiled = new Map();
  const compile = (text, operationName) => {
    const document = parse(text);
    const errors = validate(schema, document);
    if (errors.length) throw errors[0];
    const query = compileQuery(schema, document, operationName);
    if (query.errors) throw query.errors[0];
    compiled.set(text, query);
    return query;
  };
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", async () => {
      const { query: text, operationName, variables } = JSON.parse(Buffer.concat(parts).toString());
      const query = compiled.get(text) ?? compile(text, operationName);
      const answer = Buffer.from(query.stringify(await query.query({}, context(), variables)));
      response.writeHead(200, {
        "Content-Type": "application/graphql-response+json; charset=utf-8",
        "Content-Length": answer.length,
      });
      response.end(answer);
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return server.address().port;
}

/** Mercurius on Fastify with its JIT, as its documentation shows it. */
async function mercurius({ resolvers, context }) {
  const { default: fastify } = await import("fastify");
  const { default: plugin } = await import("mercurius");
  const app = fastify();
  app.register(plugin, { schema: typeDefs, resolvers, context, jit: 1 });
  await app.listen({ port: 0, host: "127.0.0.1" });
  return app.server.address().port;
}

/** Apollo Server, standalone, as its documentation shows it. */
async function apolloServer({ resolvers, context }) {
  const { ApolloServer } = await import("@apollo/server");
  const { startStandaloneServer } = await import("@apollo/server/standalone");
  const server = new ApolloServer({ typeDefs, resolvers });
  const { url } = await startStandaloneServer(server, { context, listen: { port: 0, host: "127.0.0.1" } });
  return new URL(url).port;
}

const SERVERS = { node_graphql_jit: nodeGraphqlJit, mercurius, apollo_server: apolloServer };

const [, , server, configuration] = process.argv;
process.env.NODE_ENV = "production";
console.log(String(await SERVERS[server](portal(JSON.parse(readFileSync(configuration, "utf8"))))));

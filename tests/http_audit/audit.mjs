// Runs the audit suite of GraphQL over HTTP against the address given, and prints one JSON line per audit.

import { auditServer } from 'graphql-http';

const [, , url] = process.argv;
for (const result of await auditServer({ url })) {
  const { id, name, status, reason } = result;
  console.log(JSON.stringify({ id, name, status, reason: reason ?? null }));
}

// Relay without React: its store, its compiler's artifacts, and what it makes of errors.

import { createRequire } from 'node:module';
import relay from 'relay-runtime';
import { print, tokenOf, url } from './common.mjs';

const require = createRequire(import.meta.url);
const artifact = (name) => require(`./relay/__generated__/${name}.graphql.js`);
const AdministratorsQuery = artifact('operationsAdministratorsQuery');
const MembersQuery = artifact('operationsMembersQuery');
const MeQuery = artifact('operationsMeQuery');
const OrdersFragment = artifact('operations_orders');
const OrdersPaginationQuery = artifact('operationsOrdersPaginationQuery');
const ThrowingQuery = artifact('operationsThrowingQuery');

const { Environment, Network, RecordSource, Store, createOperationDescriptor, fetchQuery, getSingularSelector } = relay;

const token = await tokenOf('purchase@helios.example');
const sent = [];

const environment = new Environment({
  network: Network.create(async (request, variables) => {
    sent.push(request.name);
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json',
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ query: request.text, operationName: request.name, variables }),
    });
    return await answer.json();
  }),
  store: new Store(new RecordSource()),
  relayFieldLogger: () => {},
});

const asked = (query, variables = {}) =>
  fetchQuery(environment, query, variables, { fetchPolicy: 'network-only' }).toPromise();
const read = (query, variables) => environment.lookup(createOperationDescriptor(query, variables).fragment);
const numbers = (orders) => orders.edges.map((edge) => edge.node.number);

// A connection: the first page with the query, the next one as usePaginationFragment asks for it, by node(id:).
const me = await asked(MeQuery);
const organization = me.viewer.defaultOrganization;
const pageOf = () => {
  const root = read(MeQuery, {}).data;
  return environment.lookup(getSingularSelector(OrdersFragment, root.viewer.defaultOrganization)).data;
};
const first = pageOf();
await asked(OrdersPaginationQuery, { id: organization.id, first: 2, after: first.orders.pageInfo.endCursor });
const both = pageOf();

// Errors: caught at the field, thrown for the operation. A refusal of a list is one error at its first entry.
const administrators = (await asked(AdministratorsQuery, { id: organization.id })).organization.administrators;
const members = (await asked(MembersQuery, { id: organization.id })).organization;
let thrown = null;
try {
  await asked(ThrowingQuery, { id: organization.id });
} catch (error) {
  thrown = error.message;
}
const errors = (read(ThrowingQuery, { id: organization.id }).fieldErrors ?? []).map((one) => [
  one.kind,
  one.fieldPath,
  one.error?.path ?? null,
]);

print({
  name: me.viewer.user.displayName,
  organization: first.name,
  first: numbers(first.orders),
  both: numbers(both.orders),
  total: both.orders.totalCount,
  hasNextPage: both.orders.pageInfo.hasNextPage,
  sent,
  administrators: administrators.map((one) => one.roleGrants),
  members: members.members,
  thrown,
  errors,
});

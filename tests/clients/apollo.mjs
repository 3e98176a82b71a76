// Apollo Client: version 3 or 4, as the second argument says.

import { print, tokenOf, url, watchedFetch } from './common.mjs';

const version = process.argv[3];
const { ApolloClient, HttpLink, InMemoryCache, gql } =
  version === '3' ? (await import('apollo-client-3/core/index.js')) : await import('@apollo/client');

const token = await tokenOf('purchase@helios.example');
const headers = { authorization: `Bearer ${token}`, cookie: 'theme=dark' };

function client(seen, options = {}) {
  return new ApolloClient({
    link: new HttpLink({ uri: url, headers, fetch: watchedFetch(seen), ...options }),
    cache: new InMemoryCache({
      possibleTypes: { Node: ['Organization', 'User', 'Membership', 'Order'] },
      typePolicies: {
        Organization: {
          fields: {
            orders: {
              keyArgs: ['status', 'placedBy'],
              merge: (before, coming, { args }) =>
                args.after ? { ...coming, nodes: [...before.nodes, ...coming.nodes] } : coming,
            },
          },
        },
      },
    }),
  });
}

const ORDERS = gql`
  query Orders($after: String) {
    viewer { defaultOrganization { id name orders(first: 2, after: $after) { totalCount nodes { id number } pageInfo { endCursor hasNextPage } } } }
  }
`;
const REFUSED = gql`query Refused { viewer { defaultOrganization { id name members { totalCount } } } }`;
const NODE = gql`query Node($id: ID!) { node(id: $id) { id ... on Organization { name } } }`;

async function asked(options) {
  const seen = [];
  const apollo = client(seen, options);
  const watched = apollo.watchQuery({ query: ORDERS, variables: {} });
  const first = await watched.refetch();
  const { endCursor } = first.data.viewer.defaultOrganization.orders.pageInfo;
  await watched.fetchMore({ variables: { after: endCursor } });
  const organization = apollo.readQuery({ query: ORDERS, variables: {} }).viewer.defaultOrganization;
  const refused = await apollo.query({ query: REFUSED, errorPolicy: 'all' });
  const errors = refused.errors ?? refused.error.errors;
  const node = await apollo.query({ query: NODE, variables: { id: organization.id }, fetchPolicy: 'network-only' });
  let thrown = null;
  try {
    await apollo.query({ query: REFUSED, fetchPolicy: 'network-only' });
  } catch (error) {
    thrown = (error.graphQLErrors ?? error.errors).map((one) => one.extensions.code);
  }
  return {
    methods: [...new Set(seen.map(([method, status]) => `${method} ${status}`))].sort(),
    types: [...new Set(seen.map(([, , type]) => type))],
    orders: organization.orders.nodes.map((order) => order.number),
    total: organization.orders.totalCount,
    refused: errors.map((error) => [error.path, error.extensions.code]),
    name: refused.data.viewer.defaultOrganization.name,
    members: refused.data.viewer.defaultOrganization.members,
    node: node.data.node.name,
    thrown,
  };
}

print({ post: await asked(), get: await asked({ useGETForQueries: true }) });

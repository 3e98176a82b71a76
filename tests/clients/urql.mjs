// urql as a new project has it: queries by GET as long as their address is short, with the token in a header.

import { Client, cacheExchange, fetchExchange, gql } from '@urql/core';
import { print, tokenOf, url, watchedFetch } from './common.mjs';

const token = await tokenOf('purchase@helios.example');
const SHORT = gql`query Me { viewer { user { displayName } } }`;
const WITH_VARIABLES = gql`
  query Orders($first: Int!, $after: String) {
    viewer { defaultOrganization { orders(first: $first, after: $after) { totalCount nodes { number } pageInfo { hasNextPage } } members { totalCount } } }
  }
`;
function client(seen, headers, options = {}) {
  return new Client({
    url,
    exchanges: [cacheExchange, fetchExchange],
    fetch: watchedFetch(seen),
    fetchOptions: { headers },
    ...options,
  });
}

async function asked(headers, options) {
  const seen = [];
  const urql = client(seen, headers, options);
  const me = await urql.query(SHORT, {}).toPromise();
  const page = await urql.query(WITH_VARIABLES, { first: 1, after: '' }).toPromise();
  const none = await urql.query(WITH_VARIABLES, { first: 0, after: null }).toPromise();
  return {
    seen,
    name: me.data?.viewer?.user?.displayName ?? null,
    problem: me.error?.graphQLErrors?.[0]?.extensions?.code ?? me.error?.message ?? null,
    orders: page.data?.viewer?.defaultOrganization?.orders ?? null,
    refused: page.error?.graphQLErrors?.map((error) => [error.path, error.extensions.code]) ?? null,
    none: none.data?.viewer?.defaultOrganization?.orders ?? null,
  };
}

const authorization = `Bearer ${token}`;
const cookie = 'theme=dark; _ga=GA1.1.1';

print({
  get: await asked({ authorization }),
  getWithCookies: await asked({ authorization, cookie }),
  getWithCookiesAndNoToken: await asked({ cookie }),
  postWithCookies: await asked({ authorization, cookie }, { preferGetMethod: false }),
});

// What Relay's compiler reads; at run time its artifacts are used, as its Babel plugin would.

import { graphql } from 'relay-runtime';

graphql`
  query operationsMeQuery {
    viewer { user { id displayName } defaultOrganization { id ...operations_orders @arguments(first: 3) } }
  }
`;

graphql`
  fragment operations_orders on Organization
  @argumentDefinitions(first: { type: "Int", defaultValue: 2 }, after: { type: "String" })
  @refetchable(queryName: "operationsOrdersPaginationQuery") {
    name
    orders(first: $first, after: $after) @connection(key: "operations_orders") {
      totalCount
      edges { cursor node { id number } }
      pageInfo { endCursor hasNextPage }
    }
  }
`;

graphql`
  query operationsAdministratorsQuery($id: ID!) {
    organization(id: $id) {
      administrators {
        id
        user { displayName }
        roleGrants @catch(to: RESULT) { id }
      }
    }
  }
`;

graphql`
  query operationsThrowingQuery($id: ID!) @throwOnFieldError {
    organization(id: $id) {
      name
      administrators { id roleGrants { id } }
    }
  }
`;

graphql`
  query operationsMembersQuery($id: ID!) {
    organization(id: $id) { name members @catch(to: RESULT) { totalCount } }
  }
`;

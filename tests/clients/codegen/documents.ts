// Operations as a front end of one's own has them, typed by graphql-codegen's client preset.

import type { ResultOf } from '@graphql-typed-document-node/core';
import { graphql } from './generated/gql.js';
import { type FragmentType, useFragment } from './generated/fragment-masking.js';

export const PORTAL_PAGE = graphql(`
  query PortalPage($first: Int!, $after: String) {
    viewer {
      user { id displayName ...Person }
      defaultOrganization {
        id
        name
        members { totalCount }
        orders(first: $first, after: $after) {
          totalCount
          nodes { id number status placedAt trackingUrl total { amount currency } placedBy { ...Person } }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }
`);

export const PERSON = graphql(`
  fragment Person on User { id displayName email phone locale }
`);

export const INVITE = graphql(`
  mutation Invite($input: InviteMembersInput!) {
    inviteMembers(input: $input) {
      results { email invitation { id status expiresAt } errors { ...Problem } }
      errors { ...Problem }
    }
  }
`);

export const PROBLEM = graphql(`
  fragment Problem on UserError {
    __typename
    code
    message
    path
    ... on ValidationError { constraint }
    ... on PermissionError { reason missingPermissions { code label } }
    ... on RateLimitError { retryAfterSeconds }
  }
`);

type Viewer = NonNullable<ResultOf<typeof PORTAL_PAGE>['viewer']>;

// What the schema promises is what the compiler knows: a guarded field may be null, a date is a text, money has both.
export function heading(viewer: Viewer): string {
  const organization = viewer.defaultOrganization;
  const count: number | null | undefined = organization?.members?.totalCount;
  const placed: (string | null)[] = (organization?.orders?.nodes ?? []).map((order) => order.placedAt);
  const totals: string[] = (organization?.orders?.nodes ?? []).map((order) => `${order.total.amount} ${order.total.currency}`);
  return `${viewer.user.displayName}, ${organization?.name ?? ''}: ${count ?? '?'} ${placed.length} ${totals.join()}`;
}

// And what it must not take: each of these lines is an error that the compiler finds, or it fails.
export function mistakes(viewer: Viewer): void {
  // @ts-expect-error a guarded field may be null
  viewer.defaultOrganization.members.totalCount.toFixed();
  // @ts-expect-error an amount is a text, so that no digit is lost
  viewer.defaultOrganization?.orders?.nodes[0]?.total.amount.toFixed();
  // @ts-expect-error a field that the query does not ask for
  void viewer.user.email;
}

export function contact(person: FragmentType<typeof PERSON>): string {
  const { displayName, email, phone } = useFragment(PERSON, person);
  return `${displayName} <${email}> ${phone ?? ''}`;
}

export function advice(problem: FragmentType<typeof PROBLEM>): string {
  const entry = useFragment(PROBLEM, problem);
  switch (entry.__typename) {
    case 'ValidationError':
      return `${entry.message} (${entry.constraint ?? ''})`;
    case 'RateLimitError':
      return `again in ${entry.retryAfterSeconds.toFixed()} s`;
    default:
      return entry.message;
  }
}

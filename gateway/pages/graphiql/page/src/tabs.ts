// The example queries that somebody can run, and the tabs when somebody else looks: their own, and those examples.

import type { Fetcher, FetcherReturnType } from "@graphiql/toolkit";
import { buildClientSchema, getIntrospectionQuery, parse, validate, type GraphQLSchema } from "graphql";

import type { Example } from "./config";

const INTROSPECTION = "IntrospectionQuery";

export interface Tab {
  query: string | null;
  variables: string | null;
  headers: string | null;
}

export interface TabState<One extends Tab = Tab> {
  tabs: One[];
  activeTabIndex: number;
}

/** What asks the gateway as one account in one organization, and the schema as it is for them. */
export interface Desk {
  fetcher: Fetcher;
  /** Read once; null when it cannot be read, as where introspection is switched off. */
  schema: Promise<GraphQLSchema | null>;
  /** Let GraphiQL, which reads the schema whenever it appears, have it as it was read. */
  appears(): void;
}

export function deskOf(ask: Fetcher): Desk {
  const introspection = {
    operationName: INTROSPECTION,
    query: getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true }),
  };
  const answer = Promise.resolve(ask(introspection) as Promise<FetcherReturnType>);
  answer.catch(() => undefined); // whoever waits for it says so
  let appearances = 1;
  return {
    fetcher: (params, options) => {
      if (params.operationName !== INTROSPECTION || appearances === 0) return ask(params, options);
      appearances -= 1;
      return answer;
    },
    schema: answer.then(schemaIn).catch(() => null),
    appears: () => {
      appearances += 1;
    },
  };
}

/** The examples in which the schema knows everything; all of them where there is no schema. */
export function runnable(examples: Example[], schema: GraphQLSchema | null): Example[] {
  return schema ? examples.filter(({ query }) => isValid(query, schema)) : examples;
}

export function tabOf({ name, query, variables }: Example): Tab {
  return { query: `# ${name}\n${query}`, variables: variables || null, headers: null };
}

/**
 * The tabs for whoever sees these examples, where others were shown before: what somebody has written stays, an example
 * as it was goes when it cannot be run, and those that can be run now stand first.
 */
export function tabsFor(shown: Example[], before: Example[], state: TabState): TabState {
  const [examples, former] = [shown.map(tabOf), before.map(tabOf)];
  const open = state.tabs[state.activeTabIndex];
  const own = state.tabs.filter((tab) => !former.some((example) => isSame(example, tab)));
  const tabs = [...examples, ...own];
  const index = tabs.findIndex((tab) => open && isSame(tab, open));
  return { tabs, activeTabIndex: Math.max(index, 0) };
}

function isSame(one: Tab, other: Tab): boolean {
  return one.query === other.query && (one.variables ?? "") === (other.variables ?? "");
}

function isValid(query: string, schema: GraphQLSchema): boolean {
  try {
    return validate(schema, parse(query)).length === 0;
  } catch {
    return false;
  }
}

function schemaIn(answer: unknown): GraphQLSchema {
  return buildClientSchema((answer as { data: Parameters<typeof buildClientSchema>[0] }).data);
}

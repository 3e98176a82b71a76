// The bar with the accounts and the organizations, and GraphiQL asking as whoever is signed in.

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createClient } from "graphql-ws";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import { Accounts } from "./accounts";
import type { Config, Example } from "./config";
import { begunBy } from "./link";
import { Organizations } from "./organizations";
import type { Session } from "./session";
import { SignInForm } from "./sign-in-form";
import { PageStorage } from "./storage";

/** No history: it would keep what was asked, tokens and passwords too, for whoever uses the page next. */
const NO_PLUGINS: [] = [];

/** From opening the page, or signing out, to signing out. */
interface Visit {
  number: number;
  storage: PageStorage;
  errand: Example | null;
}

export function Page({ config, session, errand }: { config: Config; session: Session; errand: Example | null }) {
  const state = useSyncExternalStore(session.subscribe, session.current);
  const { account, signingIn, notice, organizationCount, organizationId } = state;
  // A new fetcher makes GraphiQL read the schema again: it shows what this account may use in this organization.
  const fetcher = useMemo(
    () => fetcherOf(config.endpoint, session),
    [config.endpoint, session, account?.loginName, organizationId],
  );
  // Whoever signs out leaves nothing for the next person: GraphiQL begins as on a first visit.
  const [visit, setVisit] = useState<Visit>(() => ({ number: 1, storage: new PageStorage(), errand }));
  async function signOut() {
    visit.storage.clear();
    setVisit({ number: visit.number + 1, storage: new PageStorage(), errand: null });
    await session.signOut();
  }
  // What a mail's link asks for stands first; after a reload it gets a tab beside those that are there.
  const examples = useMemo(
    () => (visit.errand ? [visit.errand, ...config.examples] : config.examples),
    [visit, config.examples],
  );
  const tabs = useMemo(() => examples.map(tabOf), [examples]);
  // GraphiQL shows the variables of every tab but the one that is open at first.
  const first = useMemo(() => {
    const open = visit.storage.openTab;
    if (visit.errand) return tabOf(visit.errand);
    return open ?? { query: undefined, variables: examples[0]?.variables || undefined };
  }, [visit, examples]);

  const main = useRef<HTMLElement>(null);
  useEffect(() => showOpenTab(main.current!), [visit]);

  return (
    <>
      <header className="bar">
        <span className="brand">
          <Mark /> Forecourt
        </span>
        {config.mailbox && (
          <a className="mailbox" href="/mailbox">
            Mailbox
          </a>
        )}
        <div className="who">
          {config.demo ? (
            <Accounts
              demo={config.demo}
              account={account}
              signingIn={signingIn}
              onSignIn={session.signIn}
              onSignOut={signOut}
            />
          ) : (
            account === null && <SignInForm busy={signingIn !== null} onSignIn={session.signIn} />
          )}
          {organizationCount > 1 && <Organizations state={state} session={session} />}
          {account && !config.demo && <span className="signed-in">Signed in as {account.displayName}</span>}
          {account && (
            <button type="button" className="button" onClick={signOut}>
              Sign out
            </button>
          )}
        </div>
      </header>
      <div role="status" aria-live="polite" className="notices">
        {notice && (
          <p className={`notice ${notice.kind}`}>
            <span>{notice.text}</span>
            <button type="button" className="button" onClick={session.dismissNotice}>
              Close
            </button>
          </p>
        )}
      </div>
      <main ref={main}>
        <GraphiQL
          key={visit.number}
          fetcher={fetcher}
          storage={visit.storage}
          plugins={NO_PLUGINS}
          defaultTabs={tabs.length > 0 ? tabs : undefined}
          initialQuery={first.query ?? undefined}
          initialVariables={first.variables ?? undefined}
          defaultEditorToolsVisibility={examples.some((example) => example.variables) ? "variables" : undefined}
          inputValueDeprecation
          schemaDescription
        >
          <GraphiQL.Logo>
            <a className="licences" href="/graphiql/LICENSES.txt" target="_blank" rel="noreferrer">
              Licences
            </a>
          </GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

function fetcherOf(endpoint: string, session: Session) {
  const socket = new URL(endpoint, location.href);
  socket.protocol = socket.protocol.replace("http", "ws");
  return createGraphiQLFetcher({
    url: endpoint,
    fetch: adoptingFetch(session),
    enableIncrementalDelivery: false,
    // Opened by the first subscription only.
    wsClient: createClient({
      url: socket.href,
      retryAttempts: 0,
      connectionParams: async () => {
        const token = await session.freshToken();
        return token ? { Authorization: `Bearer ${token}` } : {};
      },
    }),
  });
}

/** `fetch` that signs in whom a mail's link has signed in: who has just chosen a password need not type it again. */
function adoptingFetch(session: Session): typeof fetch {
  return async (input, init) => {
    const response = await session.fetch(input, init);
    if (String(init?.body).includes("refreshToken")) {
      const begun = await response.clone().json().then(begunBy, () => null);
      if (begun) session.adopt(begun);
    }
    return response;
  };
}

function tabOf({ name, query, variables }: Example) {
  return { query: `# ${name}\n${query}`, variables: variables || null };
}

/** Scroll to the tab that is open at first, which may stand behind many others; GraphiQL draws it a little later. */
function showOpenTab(main: HTMLElement): () => void {
  const observer = new MutationObserver(() => {
    const tab = main.querySelector(".graphiql-tab-active");
    if (!tab) return;
    tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    observer.disconnect();
  });
  observer.observe(main, { childList: true, subtree: true });
  return () => observer.disconnect();
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <path d="M8 24V9a2 2 0 0 1 2-2h13M8 16h11" fill="none" stroke="#fff" strokeWidth="3.2" strokeLinecap="round" />
      <circle cx="23" cy="23" r="2.6" fill="#fff" />
    </svg>
  );
}

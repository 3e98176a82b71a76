// The bar with the accounts and the organizations, and GraphiQL asking as whoever is signed in.

import { createGraphiQLFetcher, type Fetcher } from "@graphiql/toolkit";
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
import { deskOf, runnable, tabOf, tabsFor, type Desk, type TabState } from "./tabs";

/** No history: it would keep what was asked, tokens and passwords too, for whoever uses the page next. */
const NO_PLUGINS: [] = [];

/** The time for which the tabs stay as they are: until somebody else looks who can run other examples. */
interface Visit {
  number: number;
  storage: PageStorage;
  examples: Example[];
}

export function Page({ config, session, errand }: { config: Config; session: Session; errand: Example | null }) {
  const state = useSyncExternalStore(session.subscribe, session.current);
  const { account, signingIn, notice, organizationCount, organizationId } = state;
  // What a mail's link asks for stands first, and stays when it has signed somebody in: there is its answer.
  const link = useRef(errand);
  const hasJustSignedIn = useRef(false);
  // Another desk makes GraphiQL read the schema again: it shows what this account may use in this organization.
  const desk = useMemo(
    () => deskOf(fetcherOf(config.endpoint, session, () => (hasJustSignedIn.current = true))),
    [config.endpoint, session, account?.loginName, organizationId],
  );
  const [visit, setVisit] = useState<Visit | null>(null);
  const [settled, setSettled] = useState<Desk | null>(null);
  const current = useRef(visit);
  current.current = visit;

  useEffect(() => {
    let isLeft = false;
    void desk.schema.then((schema) => {
      if (isLeft) return;
      const examples = runnable(config.examples, schema);
      const former = current.current;
      const staysOpen = hasJustSignedIn.current;
      hasJustSignedIn.current = false;
      setSettled(desk);
      if (former === null) {
        setVisit({ number: 1, storage: new PageStorage(), examples: link.current ? [link.current, ...examples] : examples });
      } else if (!staysOpen && !isAlike(former.examples, examples)) {
        desk.appears();
        const tabs = tabsFor(examples, former.examples, former.storage.tabs ?? tabsOf(former.examples));
        setVisit({ number: former.number + 1, storage: former.storage.goOnWith(tabs), examples });
      }
    });
    return () => {
      isLeft = true;
    };
  }, [desk, config.examples]);

  // Whoever signs out leaves nothing for the next person: GraphiQL begins as on a first visit.
  async function signOut() {
    link.current = null;
    visit?.storage.clear();
    setVisit(null);
    await session.signOut();
  }

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
      <main aria-busy={settled !== desk}>
        {visit && <Editors key={visit.number} visit={visit} errand={link.current} fetcher={desk.fetcher} />}
      </main>
    </>
  );
}

/** GraphiQL with the tabs of a visit. */
function Editors({ visit, errand, fetcher }: { visit: Visit; errand: Example | null; fetcher: Fetcher }) {
  const { storage, examples } = visit;
  const [tabs] = useState(() => examples.map(tabOf));
  // GraphiQL shows the variables of every tab but the one that is open at first. After a reload, a link's tab stands
  // beside those that are there.
  const [first] = useState(() => {
    if (errand && examples[0] === errand) return tabOf(errand);
    return storage.openTab ?? { query: undefined, variables: examples[0]?.variables || undefined };
  });
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => showOpenTab(box.current!), []);

  return (
    <div ref={box} className="editors">
      <GraphiQL
        fetcher={fetcher}
        storage={storage}
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
    </div>
  );
}

/** Asks in the name of whoever is signed in; `onAdopted` is called before an answer has signed somebody in. */
function fetcherOf(endpoint: string, session: Session, onAdopted: () => void): Fetcher {
  const socket = new URL(endpoint, location.href);
  socket.protocol = socket.protocol.replace("http", "ws");
  return createGraphiQLFetcher({
    url: endpoint,
    fetch: adoptingFetch(session, onAdopted),
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
function adoptingFetch(session: Session, onAdopted: () => void): typeof fetch {
  return async (input, init) => {
    const response = await session.fetch(input, init);
    if (String(init?.body).includes("refreshToken")) {
      const begun = await response.clone().json().then(begunBy, () => null);
      if (begun) {
        onAdopted();
        session.adopt(begun);
      }
    }
    return response;
  };
}

function tabsOf(examples: Example[]): TabState {
  return { tabs: examples.map(tabOf), activeTabIndex: 0 };
}

function isAlike(some: Example[], others: Example[]): boolean {
  return some.length === others.length && some.every((example, index) => example === others[index]);
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

// Who is signed in and which organization they look at: the tokens, how they are renewed, and what the person should know.

import type { Config } from "./config";

const STORED = "forecourt:session";
const RENEW_BEFORE_EXPIRY = 30_000;
const ORGANIZATION_HEADER = "forecourt-organization";

const SIGN_IN = `mutation SignIn($input: SignInInput!) {
  signIn(input: $input) {
    accessToken refreshToken expiresAt viewer { user { displayName } } errors { code message }
  }
}`;
const REFRESH = `mutation RefreshSession($input: RefreshSessionInput!) {
  refreshSession(input: $input) { accessToken refreshToken expiresAt errors { code message } }
}`;
const ORGANIZATIONS = `query Organizations($search: String, $after: String) {
  viewer {
    memberships(first: 100, after: $after, search: $search) {
      totalCount pageInfo { hasNextPage endCursor } nodes { organization { id name } }
    }
  }
}`;
const SIGN_OUT = `mutation SignOut { signOut(input: {}) { accepted errors { code message } } }`;

export interface SessionState {
  /** The login name the person signed in with, and the name to greet them by; null when nobody is signed in. */
  account: Account | null;
  /** A login name that is being signed in, or null. */
  signingIn: string | null;
  notice: { kind: "problem" | "information"; text: string } | null;
  /** The organizations of the person, by name: those that were searched for, as far as they have been read. */
  organizations: Organization[];
  /** How many they have in all, and after which cursor more of those that were searched for follow; null for none. */
  organizationCount: number;
  moreOrganizations: string | null;
  /** The id of the organization whose schema they look at; null for all of theirs together. */
  organizationId: string | null;
}

const NO_ORGANIZATIONS = { organizations: [], organizationCount: 0, moreOrganizations: null };

export interface Account {
  loginName: string;
  displayName: string;
}

/** A session as an answer begins it, and whose it is. */
export interface Begun {
  tokens: Tokens;
  account: Account;
}

export interface Organization {
  id: string;
  name: string;
}

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  expiresAt: string;
}

type Stored = Tokens & Account & Pick<SessionState, "organizationId">;

interface UserError {
  code: string;
  message: string;
}

/** The tokens in memory and in sessionStorage, so a reload stays signed in and a new browser does not. */
export class Session {
  private state: SessionState = {
    account: null,
    signingIn: null,
    notice: null,
    ...NO_ORGANIZATIONS,
    organizationId: null,
  };
  private tokens: Tokens | null = null;
  private renewal: Promise<void> | null = null;
  private searches = 0;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly endpoint: Config["endpoint"]) {
    const stored = readStored();
    if (stored) {
      this.tokens = stored;
      const { loginName, displayName, organizationId = null } = stored;
      this.state = { ...this.state, account: { loginName, displayName }, organizationId };
      void this.findOrganizations();
    }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly current = (): SessionState => this.state;

  /** Sign in, and report whether it worked; a notice says why not. */
  readonly signIn = async (loginName: string, password: string): Promise<boolean> => {
    if (this.state.signingIn) return false;
    this.update({ signingIn: loginName, notice: null });
    try {
      const payload = await this.ask<Tokens & { viewer: Viewer | null; errors: UserError[] }>("signIn", SIGN_IN, {
        input: { loginName, password },
      });
      if (!payload.accessToken) throw new Error(firstMessage(payload.errors) ?? "The gateway gave no reason.");
      const displayName = payload.viewer?.user?.displayName ?? loginName;
      this.begin(payload, { loginName, displayName });
      return true;
    } catch (error) {
      this.update({ notice: { kind: "problem", text: `Could not sign in as ${loginName}. ${messageOf(error)}` } });
      return false;
    } finally {
      this.update({ signingIn: null });
    }
  };

  /** Be whom an answer to a mail's link has signed in. */
  readonly adopt = (begun: Begun): void => {
    const { loginName, displayName } = begun.account;
    this.begin(begun.tokens, begun.account);
    this.update({ notice: { kind: "information", text: `Signed in as ${displayName} (${loginName}).` } });
  };

  readonly signOut = async (): Promise<void> => {
    const tokens = this.tokens;
    if (!tokens) return;
    this.forget(null);
    try {
      await this.end(tokens);
    } catch (error) {
      const text = `Signed out here, but the gateway could not be notified. ${messageOf(error)}`;
      this.update({ notice: { kind: "problem", text } });
    }
  };

  /** Look at the schema as it is in one organization, or in all of the person's (null). */
  readonly lookAt = (organizationId: string | null): void => {
    this.update({ organizationId });
    if (this.tokens && this.state.account) this.keep(this.tokens, this.state.account);
  };

  readonly dismissNotice = (): void => this.update({ notice: null });

  /** `fetch` as the person who is signed in; an access token that ran out is renewed once and the request repeated. */
  readonly fetch: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    const { organizationId } = this.state;
    if (organizationId && !headers.has(ORGANIZATION_HEADER)) headers.set(ORGANIZATION_HEADER, organizationId);
    if (headers.has("authorization")) return fetch(input, { ...init, headers }); // by hand, in the Headers editor
    const token = await this.freshToken();
    const response = await fetch(input, { ...init, headers: withToken(headers, token) });
    if (response.status !== 401 || !token) return response;
    if (this.tokens?.accessToken === token) await this.renew();
    const renewed = this.tokens?.accessToken;
    return renewed && renewed !== token ? fetch(input, { ...init, headers: withToken(headers, renewed) }) : response;
  };

  /** The access token, renewed when it is about to expire. */
  readonly freshToken = async (): Promise<string | undefined> => {
    if (this.tokens && Date.parse(this.tokens.expiresAt) - Date.now() < RENEW_BEFORE_EXPIRY) await this.renew();
    return this.tokens?.accessToken;
  };

  /** Begin as somebody, and end the session that was there before. */
  private begin(tokens: Tokens, account: Account): void {
    const former = this.tokens;
    this.state = { ...this.state, ...NO_ORGANIZATIONS, organizationId: null };
    this.keep(tokens, account);
    void this.findOrganizations();
    if (former) void this.end(former).catch(() => undefined);
  }

  /** A portal that does not list a person's organizations shows no choice of them, and that is all. */
  readonly findOrganizations = async (search = "", after: string | null = null): Promise<void> => {
    const asked = ++this.searches;
    try {
      const token = await this.freshToken();
      const { account } = this.state;
      const viewer = await this.ask<Memberships>("viewer", ORGANIZATIONS, { search, after }, token);
      // Signed out, in as somebody else, or searching for something else in the meantime.
      if (account !== this.state.account || asked !== this.searches) return;
      const { nodes, pageInfo, totalCount } = viewer.memberships;
      const found = nodes.map((membership) => membership.organization);
      this.update({
        organizations: after ? [...this.state.organizations, ...found] : found,
        organizationCount: search ? this.state.organizationCount : totalCount,
        moreOrganizations: pageInfo.hasNextPage ? pageInfo.endCursor : null,
      });
    } catch {
      // The page works without.
    }
  };

  /** A refresh token works once, and its reuse ends the session: everyone who needs it waits for the same renewal. */
  private renew(): Promise<void> {
    this.renewal ??= this.renewOnce().finally(() => (this.renewal = null));
    return this.renewal;
  }

  private async renewOnce(): Promise<void> {
    const { tokens } = this;
    const { account } = this.state;
    if (!tokens || !account) return;
    let payload: Tokens & { errors: UserError[] };
    try {
      const input = { refreshToken: tokens.refreshToken };
      payload = await this.ask("refreshSession", REFRESH, { input });
    } catch (error) {
      if (error instanceof Unreachable) return; // the request itself will say so; the session may well be alive
      payload = { errors: [{ code: "", message: messageOf(error) }] } as unknown as typeof payload;
    }
    if (this.tokens !== tokens) return; // signed out, or in as somebody else, in the meantime
    if (payload.accessToken) this.keep(payload, account);
    else this.forget(`The session of ${account.loginName} has ended. ${firstMessage(payload.errors) ?? ""}`.trim());
  }

  private async end(tokens: Tokens): Promise<void> {
    await this.ask("signOut", SIGN_OUT, {}, tokens.accessToken);
  }

  private async ask<Payload>(field: string, query: string, variables: object, token?: string): Promise<Payload> {
    const headers = withToken(new Headers({ "content-type": "application/json", accept: "application/json" }), token);
    const body = JSON.stringify({ query, variables });
    let response: Response;
    let answer: { data?: Record<string, Payload | null> | null; errors?: UserError[] };
    try {
      response = await fetch(this.endpoint, { method: "POST", headers, body });
      answer = await response.json();
    } catch {
      throw new Unreachable(`${this.endpoint} gave no answer that can be read.`);
    }
    const payload = answer.data?.[field];
    if (!payload) throw new Error(firstMessage(answer.errors) ?? `The gateway answered ${response.status}.`);
    return payload;
  }

  private keep(tokens: Tokens, account: Account): void {
    const { accessToken, refreshToken, expiresAt } = tokens;
    this.tokens = { accessToken, refreshToken, expiresAt };
    store({ ...this.tokens, ...account, organizationId: this.state.organizationId });
    if (account !== this.state.account) this.update({ account });
  }

  private forget(reason: string | null): void {
    this.tokens = null;
    store(null);
    const notice: SessionState["notice"] = reason ? { kind: "problem", text: reason } : null;
    this.update({ account: null, ...NO_ORGANIZATIONS, organizationId: null, notice });
  }

  private update(change: Partial<SessionState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

interface Viewer {
  user: { displayName: string | null } | null;
}

interface Memberships {
  memberships: {
    totalCount: number;
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
    nodes: { organization: Organization }[];
  };
}

class Unreachable extends Error {}

function withToken(headers: Headers, token: string | undefined): Headers {
  const copy = new Headers(headers);
  if (token) copy.set("authorization", `Bearer ${token}`);
  return copy;
}

function firstMessage(errors: UserError[] | undefined): string | undefined {
  return errors?.[0]?.message;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function readStored(): Stored | null {
  try {
    const stored = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
    return typeof stored?.accessToken === "string" && typeof stored.refreshToken === "string" ? stored : null;
  } catch {
    return null; // storage switched off, or written by something else
  }
}

function store(session: Stored | null): void {
  try {
    if (session) sessionStorage.setItem(STORED, JSON.stringify(session));
    else sessionStorage.removeItem(STORED);
  } catch {
    // Storage switched off: the session lives as long as the page.
  }
}

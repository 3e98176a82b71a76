// What GraphiQL remembers: in this browser tab alone, and nothing that is, or stands beside, a password or a token.

import type { Storage as GraphiqlStorage } from "@graphiql/toolkit";
import type { Tab, TabState } from "./tabs";

const PREFIX = "graphiql:";
const TABS = `${PREFIX}tabState`;
const PREFERENCES = /^graphiql:(theme|visiblePlugin|\w+Flex)$/;
const SECRET = /password|passwort|token|secret/i;

/**
 * Preferences and tabs survive a reload, in sessionStorage; all else lives as long as the page. A tab whose operation
 * takes or answers a secret is left out, and so are the headers of every tab.
 */
export class PageStorage implements GraphiqlStorage {
  private readonly memory = new Map<string, string>();
  private isLeft = false;

  constructor() {
    forget(() => localStorage); // where earlier versions kept all of it, and signing out left it there
  }

  /** The tab that is open, or was before a reload; null on a first visit. */
  get openTab(): Tab | null {
    const state = read(this.getItem(TABS));
    return state?.tabs[state.activeTabIndex] ?? null;
  }

  /** The tabs as they are, those with secrets among them; null when GraphiQL has stored none yet. */
  get tabs(): TabState | null {
    return read(this.getItem(TABS));
  }

  /** A storage that begins with these tabs; what GraphiQL still writes into this one comes too late. */
  goOnWith(state: TabState): PageStorage {
    this.isLeft = true;
    const next = new PageStorage();
    next.setItem(TABS, JSON.stringify({ ...state, tabs: state.tabs.map(stored) }));
    return next;
  }

  get length(): number {
    return this.memory.size;
  }

  getItem(key: string): string | null {
    return this.memory.get(key) ?? readItem(key);
  }

  setItem(key: string, value: string): void {
    if (this.isLeft) return;
    if (key === TABS) {
      this.memory.set(key, value);
      const tabs = kept(value);
      write(key, tabs && JSON.stringify(tabs));
    } else if (PREFERENCES.test(key)) write(key, value);
    else this.memory.set(key, value);
  }

  removeItem(key: string): void {
    this.memory.delete(key);
    write(key, null);
  }

  /** Forget everything, for whoever uses the page next. */
  clear(): void {
    this.isLeft = true;
    this.memory.clear();
    forget(() => sessionStorage);
  }
}

/** The tabs without those that have to do with secrets; null when none is left, or when they cannot be read. */
function kept(text: string | null): TabState | null {
  const state = read(text);
  const harmless = state?.tabs.filter(({ query, variables }) => !SECRET.test(`${query} ${variables}`)) ?? [];
  if (!state || harmless.length === 0) return null;
  const activeTabIndex = Math.max(harmless.indexOf(state.tabs[state.activeTabIndex]!), 0);
  // Its hash repeats what stands in a tab.
  const tabs = harmless.map((tab) => ({ ...tab, headers: null, hash: null, response: null }));
  return { ...state, tabs, activeTabIndex };
}

/** The tabs that are stored in this text; null when it cannot be read. */
function read(text: string | null): TabState | null {
  try {
    const state = JSON.parse(text ?? "null") as TabState | null;
    return Array.isArray(state?.tabs) ? state : null;
  } catch {
    return null;
  }
}

/** A tab with all that GraphiQL looks for in its storage. */
function stored(tab: Tab): Tab {
  const operationName = /^(?!#).*(?:query|subscription|mutation)\s+(\w+)/m.exec(tab.query ?? "")?.[1] ?? null;
  const nothing = { id: crypto.randomUUID(), title: operationName ?? "<untitled>", operationName, response: null };
  return { ...nothing, ...tab };
}

function readItem(key: string): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null; // storage switched off
  }
}

function write(key: string, value: string | null): void {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  } catch {
    // Storage switched off, or full: what cannot be kept is not.
  }
}

function forget(storageOf: () => Storage): void {
  try {
    const storage = storageOf();
    for (const key of Object.keys(storage)) if (key.startsWith(PREFIX)) storage.removeItem(key);
  } catch {
    // Storage switched off.
  }
}

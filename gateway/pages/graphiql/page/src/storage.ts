// What GraphiQL remembers: in this browser tab alone, and nothing that is, or stands beside, a password or a token.

import type { Storage as GraphiqlStorage } from "@graphiql/toolkit";

const PREFIX = "graphiql:";
const TABS = `${PREFIX}tabState`;
const PREFERENCES = /^graphiql:(theme|visiblePlugin|\w+Flex)$/;
const SECRET = /password|passwort|token|secret/i;

interface Tab {
  query: string | null;
  variables: string | null;
  headers: string | null;
}

interface TabState {
  tabs: Tab[];
  activeTabIndex: number;
}

/**
 * Preferences and tabs survive a reload, in sessionStorage; all else lives as long as the page. A tab whose operation
 * takes or answers a secret is left out, and so are the headers of every tab.
 */
export class PageStorage implements GraphiqlStorage {
  private readonly memory = new Map<string, string>();

  constructor() {
    forget(() => localStorage); // where earlier versions kept all of it, and signing out left it there
  }

  /** The tab that was open before a reload; null on a first visit. */
  get openTab(): Tab | null {
    const state = kept(this.getItem(TABS));
    return state?.tabs[state.activeTabIndex] ?? null;
  }

  get length(): number {
    return this.memory.size;
  }

  getItem(key: string): string | null {
    return this.memory.get(key) ?? read(key);
  }

  setItem(key: string, value: string): void {
    if (key === TABS) {
      const tabs = kept(value);
      write(key, tabs && JSON.stringify(tabs));
    } else if (PREFERENCES.test(key)) write(key, value);
    else this.memory.set(key, value);
  }

  removeItem(key: string): void {
    this.memory.delete(key);
    write(key, null);
  }

  clear(): void {
    this.memory.clear();
    forget(() => sessionStorage);
  }
}

/** The tabs without those that have to do with secrets; null when none is left, or when they cannot be read. */
function kept(stored: string | null): TabState | null {
  try {
    const state = JSON.parse(stored ?? "null") as TabState | null;
    if (!state) return null;
    const harmless = state.tabs.filter(({ query, variables }) => !SECRET.test(`${query} ${variables}`));
    if (harmless.length === 0) return null;
    const activeTabIndex = Math.max(harmless.indexOf(state.tabs[state.activeTabIndex]!), 0);
    // Its hash repeats what stands in a tab.
    const tabs = harmless.map((tab) => ({ ...tab, headers: null, hash: null, response: null }));
    return { ...state, tabs, activeTabIndex };
  } catch {
    return null;
  }
}

function read(key: string): string | null {
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

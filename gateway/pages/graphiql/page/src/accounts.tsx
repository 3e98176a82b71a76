// The menu of demo accounts: one click, or one key, signs in as somebody else; a form, as who is not among them.

import { Fragment, useEffect, useId, useRef, useState, type KeyboardEvent } from "react";

import type { Config, DemoAccount } from "./config";
import type { SessionState } from "./session";
import { SignInForm } from "./sign-in-form";

interface Props {
  demo: NonNullable<Config["demo"]>;
  account: SessionState["account"];
  signingIn: string | null;
  /** Says whether it worked. */
  onSignIn(loginName: string, password: string): Promise<boolean>;
  onSignOut(): Promise<void>;
}

export function Accounts({ demo, account, signingIn, onSignIn, onSignOut }: Props) {
  const [isOpen, setOpen] = useState(false);
  const [asksForName, setAsksForName] = useState(false);
  const leavesForm = useRef(false);
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const menuId = useId();
  const signedInAs = account?.loginName ?? null;
  const listed = (loginName: string | null) => demo.accounts.find((account) => account.loginName === loginName);
  const current = listed(signingIn ?? signedInAs);
  const another = account && !listed(account.loginName) ? account : null;
  const role = current?.description ?? (signingIn ? undefined : another?.displayName);

  useEffect(() => {
    if (!isOpen) return;
    const items = itemsOf(menu.current);
    (items.find((item) => item.ariaChecked === "true") ?? items[0])?.focus();
    const closeOutside = (event: PointerEvent) => {
      const target = event.target as Node;
      if (!menu.current?.contains(target) && !button.current?.contains(target)) setOpen(false);
    };
    document.addEventListener("pointerdown", closeOutside);
    return () => document.removeEventListener("pointerdown", closeOutside);
  }, [isOpen]);

  useEffect(() => {
    if (asksForName || !leavesForm.current) return;
    leavesForm.current = false;
    button.current?.focus();
  }, [asksForName]);

  function leaveForm() {
    leavesForm.current = true;
    setAsksForName(false);
  }

  function close() {
    setOpen(false);
    button.current?.focus();
  }

  function choose(action: () => Promise<unknown>) {
    close();
    void action();
  }

  function moveByKey(event: KeyboardEvent) {
    const items = itemsOf(menu.current);
    const here = items.indexOf(document.activeElement as HTMLElement);
    const steps: Record<string, number> = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: -1 };
    const step = steps[event.key];
    if (event.key === "Escape") close();
    else if (event.key === "Tab") setOpen(false);
    else if (step !== undefined) items.at(step % items.length)?.focus();
    else return;
    if (event.key !== "Tab") event.preventDefault();
  }

  if (asksForName) {
    const signIn = async (loginName: string, password: string) => {
      if (await onSignIn(loginName, password)) leaveForm();
    };
    return <SignInForm busy={signingIn !== null} autoFocus onSignIn={signIn} onCancel={leaveForm} />;
  }
  return (
    <div className="accounts">
      <button
        ref={button}
        type="button"
        className="button account-button"
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={menuId}
        aria-busy={signingIn !== null}
        onClick={() => setOpen(!isOpen)}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") {
            event.preventDefault();
            setOpen(true);
          }
        }}
      >
        <span className="label">{signingIn ? "Signing in as" : "Account"}</span>
        <span className="name">{current?.title ?? signingIn ?? signedInAs ?? "Not signed in"}</span>
        {role && <span className="role">{role}</span>}
        <svg viewBox="0 0 12 12" width="10" height="10" aria-hidden="true">
          <path d="M2 4l4 4 4-4" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" />
        </svg>
      </button>
      {isOpen && (
        <div ref={menu} id={menuId} role="menu" aria-label="Sign in as" className="menu" onKeyDown={moveByKey}>
          <MenuItem
            title="Not signed in"
            description="Ask as a stranger"
            isChecked={signedInAs === null}
            onChoose={() => choose(onSignOut)}
          />
          {groupsOf(demo.accounts).map(([group, accounts]) => (
            <Fragment key={group}>
              {group && (
                <p role="presentation" className="group">
                  {group}
                </p>
              )}
              {accounts.map((account) => (
                <MenuItem
                  key={account.loginName}
                  title={account.title}
                  description={account.description}
                  isChecked={account.loginName === signedInAs}
                  onChoose={() => choose(() => onSignIn(account.loginName, demo.password))}
                />
              ))}
            </Fragment>
          ))}
          <hr />
          <MenuItem
            title="Another account…"
            description={another?.loginName ?? "Somebody who has registered or accepted an invitation"}
            isChecked={another !== null}
            onChoose={() => {
              setOpen(false);
              setAsksForName(true);
            }}
          />
        </div>
      )}
    </div>
  );
}

function MenuItem(props: { title: string; description: string; isChecked: boolean; onChoose(): void }) {
  return (
    <button
      type="button"
      role="menuitemradio"
      aria-checked={props.isChecked}
      tabIndex={-1}
      className="item"
      onClick={props.onChoose}
    >
      <span className="title">{props.title}</span>
      <span className="description">{props.description}</span>
    </button>
  );
}

function itemsOf(menu: HTMLElement | null): HTMLElement[] {
  return [...(menu?.querySelectorAll<HTMLElement>("[role=menuitemradio]") ?? [])];
}

/** The accounts under their headings, in the order the gateway lists them. */
function groupsOf(accounts: DemoAccount[]): [string, DemoAccount[]][] {
  const groups = new Map<string, DemoAccount[]>();
  for (const account of accounts) groups.set(account.group, [...(groups.get(account.group) ?? []), account]);
  return [...groups];
}

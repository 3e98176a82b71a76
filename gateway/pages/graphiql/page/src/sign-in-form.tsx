// Signing in with a login name and a password, where no demo offers its accounts or none of them is meant.

import type { SyntheticEvent } from "react";

interface Props {
  busy: boolean;
  /** Whether the person can write at once, because they asked for the form. */
  autoFocus?: boolean;
  onSignIn(loginName: string, password: string): Promise<unknown>;
  /** Leads back to where the form was asked for; without it, there is no way but to sign in. */
  onCancel?(): void;
}

export function SignInForm(props: Props) {
  function submit(event: SyntheticEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    void props.onSignIn(String(fields.get("loginName")).trim(), String(fields.get("password")));
  }

  return (
    <form
      className="sign-in"
      aria-label="Sign in"
      onSubmit={submit}
      onKeyDown={(event) => event.key === "Escape" && props.onCancel?.()}
    >
      <input
        name="loginName"
        aria-label="Login name"
        placeholder="Login name"
        autoComplete="username"
        autoFocus={props.autoFocus}
        required
      />
      <input
        name="password"
        type="password"
        aria-label="Password"
        placeholder="Password"
        autoComplete="current-password"
        required
      />
      <button type="submit" className="button strong" disabled={props.busy}>
        {props.busy ? "Signing in …" : "Sign in"}
      </button>
      {props.onCancel && (
        <button type="button" className="button" onClick={props.onCancel}>
          Cancel
        </button>
      )}
    </form>
  );
}

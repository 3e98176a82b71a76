// Signing in with a login name and a password, where no demo offers its accounts.

import type { SyntheticEvent } from "react";

export function SignInForm(props: { busy: boolean; onSignIn(loginName: string, password: string): Promise<void> }) {
  function submit(event: SyntheticEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    void props.onSignIn(String(fields.get("loginName")).trim(), String(fields.get("password")));
  }

  return (
    <form className="sign-in" aria-label="Sign in" onSubmit={submit}>
      <input name="loginName" aria-label="Login name" placeholder="Login name" autoComplete="username" required />
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
    </form>
  );
}

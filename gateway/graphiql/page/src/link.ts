// What a link of a mail opens: the mutation that its page is for, with the token of the address in the variables.

import type { Example } from "./config";

interface Errand {
  /** What the comment above the mutation says. */
  name: string;
  mutation: string;
  selection?: string;
  input: (token: string) => Record<string, unknown>;
}

const ERRANDS: Record<string, Errand> = {
  "/invitation": {
    name: "Accept the invitation\n# Choose your password below, then run this.",
    mutation: "acceptInvitation",
    selection: "membership { status organization { name } }",
    // Without names, those that the inviter gave count.
    input: (token) => ({ token, firstName: null, lastName: null, password: somePassword(), acceptTerms: true }),
  },
  "/registration": {
    name: "Confirm the registration\n# Choose your password below, then run this.",
    mutation: "confirmRegistration",
    input: (token) => ({ token, password: somePassword() }),
  },
  "/password-reset": {
    name: "Choose a new password\n# Write yours below, then run this.",
    mutation: "resetPassword",
    input: (token) => ({ token, newPassword: somePassword() }),
  },
  "/email-change": {
    name: "Confirm the new e-mail address",
    mutation: "confirmEmailChange",
    input: (token) => ({ token }),
  },
  "/account-deletion": {
    name: "Keep the account",
    mutation: "cancelAccountDeletion",
    input: (token) => ({ token }),
  },
};

/** What the address asks for, null for nothing; the token is gone from the address, and so from the history. */
export function takeErrand(): Example | null {
  const errand = ERRANDS[location.pathname];
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!errand) return null;
  history.replaceState(null, "", location.pathname);
  if (!token) return null;
  return { name: errand.name, query: queryOf(errand), variables: JSON.stringify({ input: errand.input(token) }, null, 2) };
}

function queryOf({ mutation, selection }: Errand): string {
  const operation = mutation.charAt(0).toUpperCase() + mutation.slice(1);
  const selected = [selection, "errors { code message }"].filter(Boolean).map((line) => `    ${line}`);
  return `mutation ${operation}($input: ${operation}Input!) {
  ${mutation}(input: $input) {
${selected.join("\n")}
  }
}
`;
}

/** A password that can be kept; one that stood in this file would be everybody's. */
function somePassword(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(15));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

// What a link of a mail opens: the mutation that its page is for, with the token of the address in the variables.

import type { Example } from "./config";
import type { Begun, Tokens } from "./session";

interface Errand {
  /** What the comment above the mutation says. */
  name: string;
  mutation: string;
  /** Where it is not called like the mutation. */
  inputType?: string;
  /** What one wants to see of the outcome. Short lines: the editor is narrow. */
  selection: string[];
  input: (token: string) => Record<string, unknown>;
}

const ERRORS = group("errors", ["code", "message", "path"]);
// In the answer, they sign in whom the link was for. They are long, so they stand last.
const SESSION = ["expiresAt", "accessToken", "refreshToken"];
// Without the e-mail address: who is not signed in yet finds it underlined as nothing they may ask for.
const PERSON = ["loginNames", "user { displayName }"];

const ERRANDS: Record<string, Errand> = {
  "/graphiql/invitation": {
    name: "Accept the invitation\n# Choose your password below, then run this.",
    mutation: "acceptInvitation",
    selection: [
      ...group("membership", ["status", "organization { name }"]),
      // The roles stand below the viewer, where they are refused to nobody: who has an account already and is not
      // signed in gets neither viewer nor tokens. They are underlined until one is.
      ...group("viewer", [
        ...PERSON,
        ...group("memberships", group("nodes", ["organization { name }", "roleGrants { role { label } }"])),
      ]),
      ...ERRORS,
      ...SESSION,
    ],
    // Without names, those that the inviter gave count.
    input: (token) => ({ token, firstName: null, lastName: null, password: somePassword(), acceptTerms: true }),
  },
  "/graphiql/registration": {
    name: "Confirm the registration\n# Choose your password below, then run this.",
    mutation: "confirmRegistration",
    selection: [
      ...group("viewer", [
        ...PERSON,
        "accountKind",
        ...group("registration", ["organizationName", "status", "reviewDueAt"]),
      ]),
      ...ERRORS,
      ...SESSION,
    ],
    input: (token) => ({ token, password: somePassword() }),
  },
  "/graphiql/password-reset": {
    name: "Choose a new password\n# Write yours below, then run this.",
    mutation: "resetPassword",
    selection: [...group("viewer", PERSON), ...ERRORS, ...SESSION],
    input: (token) => ({ token, newPassword: somePassword() }),
  },
  "/graphiql/email-change": {
    name: "Confirm the new e-mail address",
    mutation: "confirmEmailChange",
    inputType: "TokenInput",
    selection: [...group("viewer", ["loginNames", "user { displayName email }", "emailVerified"]), ...ERRORS],
    input: (token) => ({ token }),
  },
  "/graphiql/account-deletion": {
    name: "Keep the account",
    mutation: "cancelAccountDeletion",
    selection: ["accepted", ...ERRORS],
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

/** The session that the answer to a link's mutation begins, null for none. */
export function begunBy(answer: { data?: Record<string, Outcome | null> | null }): Begun | null {
  for (const { mutation } of Object.values(ERRANDS)) {
    const { viewer, accessToken, refreshToken, expiresAt } = answer.data?.[mutation] ?? {};
    const loginName = viewer?.loginNames?.[0];
    if (!loginName || !accessToken || !refreshToken || !expiresAt) continue;
    const displayName = viewer.user?.displayName ?? loginName;
    return { tokens: { accessToken, refreshToken, expiresAt }, account: { loginName, displayName } };
  }
  return null;
}

interface Outcome extends Partial<Tokens> {
  viewer?: { loginNames?: string[]; user?: { displayName?: string | null } | null } | null;
}

function queryOf({ mutation, inputType, selection }: Errand): string {
  const operation = mutation.charAt(0).toUpperCase() + mutation.slice(1);
  return `mutation ${operation}(
  $input: ${inputType ?? `${operation}Input`}!
) {
  ${mutation}(input: $input) {
${selection.map((line) => `    ${line}`).join("\n")}
  }
}
`;
}

function group(field: string, lines: string[]): string[] {
  return [`${field} {`, ...lines.map((line) => `  ${line}`), "}"];
}

/** A password that can be kept; one that stood in this file would be everybody's. */
function somePassword(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(15));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

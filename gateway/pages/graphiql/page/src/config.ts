// What the gateway gives the page: where to ask, who may sign in at a click, what to ask.

export interface Config {
  endpoint: string;
  demo: { password: string; accounts: DemoAccount[] } | null;
  examples: Example[];
  /** Whether there is a page with the mails that were sent. */
  mailbox: boolean;
}

export interface DemoAccount {
  loginName: string;
  title: string;
  description: string;
  group: string;
}

export interface Example {
  name: string;
  query: string;
  variables: string;
}

export async function loadConfig(): Promise<Config> {
  const response = await fetch("/graphiql/config.json");
  if (!response.ok) throw new Error(`The gateway answered ${response.status} to /graphiql/config.json.`);
  return response.json();
}

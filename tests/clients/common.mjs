// What each client needs: where the gateway is, a person's access token, and a way to print what was seen.

export const [, , url] = process.argv;

export async function tokenOf(loginName) {
  const query =
    'mutation SignIn($input: SignInInput!) { signIn(input: $input) { accessToken errors { code } } }';
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input: { loginName, password: 'forecourt-demo' } } }),
  });
  return (await answer.json()).data.signIn.accessToken;
}

// A fetch that remembers by which method each request went, and as what kind of answer it came back.
export function watchedFetch(seen) {
  return async (address, options) => {
    const answer = await fetch(address, options);
    seen.push([options?.method ?? 'GET', answer.status, answer.headers.get('content-type')]);
    return answer;
  };
}

export const print = (facts) => console.log(JSON.stringify(facts));

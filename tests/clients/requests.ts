/** Records what a client sends: the requests go on to the server. */

export interface Sent {
  method: string;
  operationName: string | undefined;
  query: string | undefined;
  hash: string | undefined;
  documentId: string | undefined;
  variables: Record<string, unknown> | undefined;
}

/** Return the requests that `fetch` has sent since this call, oldest first. */
export function recordRequests(): Sent[] {
  const requests: Sent[] = [];
  const send = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    requests.push(describe(await parametersOf(request.clone()), request.method));
    return send(request);
  };
  return requests;
}

async function parametersOf(request: Request): Promise<Record<string, any>> {
  if (request.method === 'POST') return (await request.json()) as Record<string, any>;
  const parameters = Object.fromEntries(new URL(request.url).searchParams);
  for (const name of ['variables', 'extensions']) {
    if (parameters[name]) parameters[name] = JSON.parse(parameters[name]);
  }
  return parameters;
}

const describe = (parameters: Record<string, any>, method: string): Sent => ({
  method,
  operationName: parameters.operationName,
  query: parameters.query,
  hash: parameters.extensions?.persistedQuery?.sha256Hash,
  documentId: parameters.documentId,
  variables: parameters.variables,
});

/** Return of each request its method and what it names its document by: hash, documentId, text. */
export const kindsOf = (requests: Sent[]) =>
  requests.map(({ method, query, hash, documentId }) =>
    [method, ...(hash ? ['hash'] : []), ...(documentId ? ['documentId'] : []), ...(query ? ['text'] : [])].join(' '),
  );

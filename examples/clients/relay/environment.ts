import { Environment, Network, RecordSource, Store, type FetchFunction } from 'relay-runtime';

/** The server knows each document by the identifier that relay-compiler has written into the manifest. */
const sendTo =
  (url: string): FetchFunction =>
  async ({ id }, variables) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ documentId: id, variables }),
    });
    return response.json();
  };

export const createEnvironment = (url: string) =>
  new Environment({ network: Network.create(sendTo(url)), store: new Store(new RecordSource()) });

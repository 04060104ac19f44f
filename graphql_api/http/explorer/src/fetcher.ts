// How GraphiQL reaches the API: a POST to the page's own address.
import type { GraphiQLProps } from 'graphiql';

type Fetcher = GraphiQLProps['fetcher'];
type Observer = { next(result: object): void; error(reason: { message: string }): void; complete(): void };

// An observable and not a promise: only then does GraphiQL's stop button end the request, and the
// server the SQL behind it.
export const fetcher: Fetcher = (operation, options) => {
  const subscribe = (observer: Observer) => {
    const controller = new AbortController();
    post(operation, options?.headers, controller.signal).then(
      (result) => {
        observer.next(result);
        observer.complete();
      },
      (reason: Error) => {
        // Not the error itself, which GraphiQL would show with the stack of this bundle.
        if (!controller.signal.aborted) observer.error({ message: reason.message });
      },
    );
    return { unsubscribe: () => controller.abort() };
  };
  return { subscribe } as ReturnType<Fetcher>;
};

async function post(operation: object, headers: Record<string, string> | undefined, signal: AbortSignal) {
  const response = await fetch(window.location.pathname, {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json, application/json',
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(operation),
    signal,
  });
  if (response.headers.get('content-type')?.includes('json')) return response.json();
  throw new Error(`${response.status} ${response.statusText}: ${await response.text()}`);
}

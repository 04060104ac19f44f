// An operation in the address of the page, as #query=…&variables=…: a link of a page that shows how it was made.
// It is in the fragment, which browsers do not send: a query in the address itself runs on the server.
export type Linked = { query: string; variables: string | null };

export function readLinkedOperation(): Linked | null {
  const fragment = new URLSearchParams(window.location.hash.slice(1));
  const query = fragment.get('query');
  if (!query) return null;
  // GraphiQL keeps it in a tab from now on.
  window.history.replaceState(null, '', window.location.pathname);
  return { query, variables: fragment.get('variables') };
}

/** The addresses of the pages. The storefront may be served below another path, so all begin with ROOT. */

/** The path of the home page: the built script is in the folder assets below it. */
export const ROOT = import.meta.env.DEV ? '/' : new URL(/* @vite-ignore */ '../', import.meta.url).pathname;

export const homeUrl = () => ROOT;
export const bookUrl = (book: { slug: string }) => `${ROOT}books/${encodeURIComponent(book.slug)}`;
export const authorUrl = (author: { slug: string }) => `${ROOT}authors/${encodeURIComponent(author.slug)}`;
export const seriesUrl = (series: { slug: string }) => `${ROOT}series/${encodeURIComponent(series.slug)}`;
export const categoryUrl = (category: { path: string }) =>
  `${ROOT}categories/${category.path.split('/').map(encodeURIComponent).join('/')}`;
export const searchUrl = (text: string) => `${ROOT}search?${new URLSearchParams({ q: text })}`;

/** Return the address of an operation in GraphiQL. The fragment is never sent, so its length has no limit. */
export function explorerUrl(text: string, variables: object): string {
  const fragment = new URLSearchParams({ query: text, variables: JSON.stringify(variables, null, 2) });
  return `${ROOT}graphql#${fragment}`;
}

/** Return an address with some parameters of its query changed; null removes one. */
export function withParameters(url: URL, changes: Record<string, string | null>): string {
  const query = new URLSearchParams(url.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) query.delete(name);
    else query.set(name, value);
  }
  return query.size ? `${url.pathname}?${query}` : url.pathname;
}

import { Client, fetchExchange } from '@urql/core';

import { graphql, readFragment, type FragmentOf } from './graphql.ts';

const BookLine = graphql(`
  fragment BookLine on Book {
    id
    title
    publishedYear
    price {
      amount
      currencyCode
    }
  }
`);

const AuthorPage = graphql(
  `
    query AuthorPage($slug: String!, $roles: [ContributorRole!]) {
      author(by: { slug: $slug }) {
        id
        name
        birthYear
        books(first: 5, roles: $roles, orderBy: { field: PUBLICATION }) {
          totalCount
          nodes {
            id
            ...BookLine
          }
        }
      }
    }
  `,
  [BookLine],
);

/** Return a book in one line, for example Emma (1815), 10.99 GBP. */
function formatBook(book: FragmentOf<typeof BookLine>): string {
  const { title, publishedYear, price } = readFragment(BookLine, book);
  return `${title} (${publishedYear ?? 'undated'}), ${price ? `${price.amount} ${price.currencyCode}` : 'not for sale'}`;
}

export const createClient = (url: string) =>
  new Client({ url, exchanges: [fetchExchange], preferGetMethod: 'within-url-limit' });

/** Return the lines of an author's page. Throws the server's error. */
export async function authorPage(client: Client, slug: string): Promise<string[]> {
  const { data, error } = await client.query(AuthorPage, { slug, roles: ['AUTHOR'] });
  if (error) throw error;
  if (!data?.author) return [`There is no author ${slug}.`];
  const { name, birthYear, books } = data.author;
  return [`${name}, born ${birthYear}: ${books.totalCount} books`, ...books.nodes.map(formatBook)];
}

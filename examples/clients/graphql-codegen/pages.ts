import { execute } from './execute.ts';
import { graphql } from './generated/gql.ts';
import type { BookFilter } from './generated/graphql.ts';

const Search = graphql(`
  query Search($filter: BookFilter, $first: Int) {
    books(first: $first, filter: $filter) {
      totalCount
      didYouMean
      edges {
        highlightedTitle
        matchedOn
        node {
          id
          publishedOn
          price {
            amount
            currencyCode
          }
        }
      }
      facets {
        all(fields: [CATEGORIES, LANGUAGES], first: 3) {
          label
          values {
            label
            count
            filter
          }
        }
      }
    }
  }
`);

const Node = graphql(`
  query Node($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Author {
        name
        bookCount
      }
      ... on Book {
        title
        isbn
      }
      ... on Category {
        path
      }
    }
  }
`);

export async function searchBooks(url: string, filter: BookFilter, first = 10) {
  const { books } = await execute(url, Search, { filter, first });
  return books;
}

/** Return the book, author or category with a global id; null if it does not exist. */
export async function lookUp(url: string, id: string) {
  const { node } = await execute(url, Node, { id });
  return node;
}

import { InMemoryCache, type FieldPolicy } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';

/** Types without an `id`: they belong to their parent. Two answers that have parts of one are merged. */
const EMBEDDED = [
  'AuthorCountList',
  'Catalog',
  'CategoryCountList',
  'Cover',
  'DecadeCountList',
  'Facets',
  'LanguageCountList',
  'Money',
  'PriceCountList',
  'RatingCountList',
  'SeriesEntry',
  'Suggestions',
];

/** A book that a list has brought is not asked for again by its id. */
const bookById: FieldPolicy = {
  read(existing, { args, toReference }) {
    const { id } = args!.by;
    return existing === undefined && id ? toReference({ __typename: 'Book', id }) : existing;
  },
};

export const createCache = () =>
  new InMemoryCache({
    possibleTypes: {
      FacetValue: ['AuthorCount', 'CategoryCount', 'DecadeCount', 'LanguageCount', 'PriceCount', 'RatingCount'],
      Node: ['Author', 'Book', 'Category', 'Series', 'Work'],
    },
    typePolicies: {
      ...Object.fromEntries(EMBEDDED.map((name) => [name, { merge: true }])),
      Author: { fields: { books: relayStylePagination(['filter', 'orderBy', 'roles']) } },
      Book: { fields: { editions: relayStylePagination(['orderBy']) } },
      Category: {
        fields: {
          books: relayStylePagination(['filter', 'includeDescendants', 'orderBy']),
          children: relayStylePagination([]),
        },
      },
      Query: {
        fields: {
          authors: relayStylePagination(['filter', 'orderBy']),
          book: bookById,
          books: relayStylePagination(['filter', 'orderBy']),
          categories: relayStylePagination(['filter', 'orderBy', 'rootsOnly']),
        },
      },
      Series: { fields: { books: relayStylePagination([]) } },
      Work: { fields: { editions: relayStylePagination(['orderBy']) } },
    },
  });

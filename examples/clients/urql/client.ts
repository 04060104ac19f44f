import { Client, fetchExchange } from '@urql/core';
import { cacheExchange, type Resolver } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { persistedExchange } from '@urql/exchange-persisted';

import schema from './generated/introspection.json' with { type: 'json' };

/** Objects without an `id` belong to their parent: values, pages, counts. */
const embedded = schema.__schema.types.filter(
  ({ kind, name, fields }) => kind === 'OBJECT' && name !== 'Query' && !fields?.some((field) => field.name === 'id'),
);

const pages = relayPagination();

/** A book that a list has brought is not asked for again by its id. */
const bookById: Resolver<any, { by: { id?: string } }> = (_, args, cache) => {
  const known = cache.resolve('Query', 'book', args);
  return known === undefined && args.by.id ? { __typename: 'Book', id: args.by.id } : known;
};

const createCache = () =>
  cacheExchange({
    schema,
    keys: Object.fromEntries(embedded.map(({ name }) => [name, () => null])),
    resolvers: {
      Author: { books: pages },
      Book: { editions: pages },
      Category: { books: pages, children: pages },
      Query: {
        authors: pages,
        book: bookById,
        books: pages,
        categories: pages,
      },
      Series: { books: pages },
      Work: { editions: pages },
    },
  });

/** Queries travel by GET as the hash of their text; a server that does not know the hash gets the text once. */
export const createClient = (url: string) =>
  new Client({
    url,
    preferGetMethod: 'within-url-limit',
    exchanges: [createCache(), persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange],
  });

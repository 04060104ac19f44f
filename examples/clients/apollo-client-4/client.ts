import { createHash } from 'node:crypto';

import { ApolloClient, HttpLink } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';

import { createCache } from './cache.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Queries travel by GET as the hash of their text; a server that does not know the hash gets the text once. */
export const createClient = (uri: string) =>
  new ApolloClient({
    cache: createCache(),
    link: new PersistedQueryLink({ sha256, useGETForHashedQueries: true }).concat(new HttpLink({ uri })),
  });

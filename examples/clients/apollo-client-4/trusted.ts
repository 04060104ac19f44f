import { ApolloClient, HttpLink } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { generatePersistedQueryIdsFromManifest } from '@apollo/persisted-query-lists';

import { createCache } from './cache.ts';
import manifest from './generated/persisted-query-manifest.json' with { type: 'json' };

/** Queries travel as their identifier in the manifest, which the server has loaded as trusted documents. */
export const createTrustedClient = (uri: string) =>
  new ApolloClient({
    cache: createCache(),
    link: new PersistedQueryLink(
      generatePersistedQueryIdsFromManifest({ loadManifest: async () => manifest }),
    ).concat(new HttpLink({ uri })),
  });

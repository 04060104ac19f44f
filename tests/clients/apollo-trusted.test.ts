import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { createTrustedClient } from '../../examples/clients/apollo-client-4/trusted.ts';
import { CategoryDocument } from '../../examples/clients/apollo-client-4/generated/graphql.ts';
import { kindsOf, recordRequests } from './requests.ts';

const client = createTrustedClient(process.env.GRAPHQL_URL!);

suite('Apollo Client 4 with trusted documents', () => {
  test('a query is sent by its identifier in the manifest', async () => {
    const requests = recordRequests();

    const { data } = await client.query({ query: CategoryDocument, variables: { path: 'fiction', first: 1 } });

    assert.deepEqual(data!.category!.books.edges.map(({ node }) => node.title), [
      'El ingenioso hidalgo don Quijote de la Mancha',
    ]);
    assert.deepEqual(kindsOf(requests), ['POST hash']);
  });
});

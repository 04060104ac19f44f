import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { authorPage, createClient } from '../../examples/clients/gql-tada/author-page.ts';
import { kindsOf, recordRequests } from './requests.ts';

const client = createClient(process.env.GRAPHQL_URL!);

suite('gql.tada', () => {
  test('a page has the types of its document', async () => {
    const requests = recordRequests();

    const lines = await authorPage(client, 'jane-austen');

    assert.deepEqual(lines, [
      'Jane Austen, born 1775: 4 books',
      'Sense and Sensibility (1811), 8.50 EUR',
      'Pride and Prejudice (1813), 11.99 EUR',
      'Emma (1815), 10.99 GBP',
      'Persuasion (1817), 6.50 EUR',
    ]);
    assert.deepEqual(kindsOf(requests), ['GET text']);
  });

  test('an author that does not exist is null', async () => {
    assert.deepEqual(await authorPage(client, 'nobody'), ['There is no author nobody.']);
  });
});

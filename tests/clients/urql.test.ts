import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mock, suite, test } from 'node:test';

import { createClient } from '../../examples/clients/urql/client.ts';
import { BookDocument, CategoryDocument } from '../../examples/clients/urql/generated/graphql.ts';
import { withUnknownText } from './documents.ts';
import { kindsOf, recordRequests } from './requests.ts';

const URL = process.env.GRAPHQL_URL!;
const POPULAR = [
  'El ingenioso hidalgo don Quijote de la Mancha',
  'Frankenstein',
  'Les Misérables',
  'Crime and Punishment',
];

async function titlesAndPages(client: ReturnType<typeof createClient>, pages: object) {
  const { data, error } = await client.query(CategoryDocument, { path: 'fiction', ...pages });
  assert.equal(error, undefined);
  const { edges, pageInfo } = data!.category!.books;
  return { titles: edges.map(({ node }) => node.title), pageInfo, edges };
}

suite('urql', () => {
  const warn = mock.method(console, 'warn');

  test('a query is sent by its hash, then once with its text, then by its hash alone', async () => {
    const requests = recordRequests();
    const client = createClient(URL);
    const query = withUnknownText(CategoryDocument);

    for (const path of ['fiction', 'drama']) await client.query(query, { path, first: 1 });

    assert.deepEqual(kindsOf(requests), ['GET hash', 'GET hash text', 'GET hash']);
    assert.equal(requests[0]!.hash, createHash('sha256').update(requests[1]!.query!).digest('hex'));
  });

  test('pages are merged forwards', async () => {
    const client = createClient(URL);
    const { pageInfo } = await titlesAndPages(client, { first: 2 });

    const merged = await titlesAndPages(client, { first: 2, after: pageInfo.endCursor });

    assert.deepEqual(merged.titles, POPULAR);
    assert.deepEqual([merged.pageInfo.hasPreviousPage, merged.pageInfo.hasNextPage], [false, true]);
  });

  test('pages are merged backwards', async () => {
    const end = await titlesAndPages(createClient(URL), { first: 4 });
    const client = createClient(URL);
    const { pageInfo } = await titlesAndPages(client, { last: 2, before: end.pageInfo.endCursor });

    const merged = await titlesAndPages(client, { last: 2, before: pageInfo.startCursor });

    assert.deepEqual(merged.titles, POPULAR.slice(0, 3));
    assert.equal(merged.pageInfo.hasPreviousPage, false);
  });

  test('a book of a list is read from the cache by its id', async () => {
    const client = createClient(URL);
    const { edges } = await titlesAndPages(client, { first: 1 });
    const requests = recordRequests();

    const { data } = await client.query(BookDocument, { id: edges[0]!.node.id });

    assert.equal(data!.book!.title, POPULAR[0]);
    assert.deepEqual(requests, []);
  });

  test('a book that is not in the cache is asked for once', async () => {
    const { edges } = await titlesAndPages(createClient(URL), { first: 1 });
    const { id } = edges[0]!.node;
    const client = createClient(URL);
    await client.query(BookDocument, { id });
    const requests = recordRequests();

    const { data } = await client.query(BookDocument, { id });

    assert.equal(data!.book!.title, POPULAR[0]);
    assert.deepEqual(requests, []);
  });

  test('a book that does not exist is null, and stays so', async () => {
    const client = createClient(URL);
    const requests = recordRequests();

    for (const _ of [1, 2]) {
      const { data, error } = await client.query(BookDocument, { id: btoa('Book:1000000') });
      assert.deepEqual([data, error], [{ book: null }, undefined]);
    }

    assert.deepEqual(kindsOf(requests), ['GET hash']);
  });

  test('the message of a refused limit reaches the user', async () => {
    for (const [first, message] of [
      [-1, 'first is -1; it must be from 0 to 100.'],
      [100, 'The operation costs 502 rows; at most 500 are allowed (MAX_COST).'],
    ] as const) {
      const { error } = await createClient(URL).query(CategoryDocument, { path: 'fiction', first });
      assert.deepEqual(error!.graphQLErrors.map(({ message }) => message), [message]);
    }
  });

  test('the cache knows each type and field: it has warned of none', () => {
    assert.deepEqual(warn.mock.calls.map(({ arguments: [text] }) => text), []);
  });
});

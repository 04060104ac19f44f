import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';

import * as version4 from '../../examples/clients/apollo-client-4/client.ts';
import { BookDocument, CategoryDocument, type CategoryQuery } from '../../examples/clients/apollo-client-4/generated/graphql.ts';
import { withUnknownText } from './documents.ts';
import { kindsOf, recordRequests } from './requests.ts';

const version3 = (await import('../../examples/clients/apollo-client-3/client.ts')) as unknown as typeof version4;
type Books = NonNullable<CategoryQuery['category']>['books'];

const URL = process.env.GRAPHQL_URL!;
const POPULAR = [
  'El ingenioso hidalgo don Quijote de la Mancha',
  'Frankenstein',
  'Les Misérables',
  'Crime and Punishment',
  'The Adventures of Sherlock Holmes',
];

const titles = (books: Books) => books.edges.map(({ node }) => node.title);
const query = CategoryDocument;

/** Return what a watched query shows as soon as its list has `count` books. It stays watched. */
const listWith = (count: number, query: Subscribable) =>
  new Promise<Books>((resolve) => {
    query.subscribe(({ data }) => {
      const books = (data as CategoryQuery | undefined)?.category?.books;
      if (books?.edges.length === count) resolve(books);
    });
  });

interface Subscribable {
  subscribe(next: (result: { data?: unknown }) => void): unknown;
}

for (const [version, { createClient }] of Object.entries({ 3: version3, 4: version4 })) {
  suite(`Apollo Client ${version}`, () => {
    test('a query is sent by its hash, then once with its text, then by its hash alone', async () => {
      const requests = recordRequests();
      const client = createClient(URL);
      const query = withUnknownText(CategoryDocument);

      for (const path of ['fiction', 'drama']) await client.query({ query, variables: { path, first: 1 } });

      assert.deepEqual(kindsOf(requests), ['GET hash', 'POST hash text', 'GET hash']);
      const [{ hash }, { query: text }] = requests as [any, any];
      assert.equal(hash, createHash('sha256').update(text).digest('hex'));
    });

    test('pages are merged forwards', async () => {
      const list = createClient(URL).watchQuery({ query, variables: { path: 'fiction', first: 2 } });
      const { pageInfo } = await listWith(2, list);

      await list.fetchMore({ variables: { after: pageInfo.endCursor } });

      const books = await listWith(4, list);
      assert.deepEqual(titles(books), POPULAR.slice(0, 4));
      assert.equal(books.totalCount, 82);
      assert.deepEqual([books.pageInfo.hasPreviousPage, books.pageInfo.hasNextPage], [false, true]);
    });

    test('pages are merged backwards', async () => {
      const { data } = await createClient(URL).query({ query, variables: { path: 'fiction', first: 4 } });
      const before = data!.category!.books.pageInfo.endCursor;
      const list = createClient(URL).watchQuery({ query, variables: { path: 'fiction', last: 2, before } });
      const { pageInfo } = await listWith(2, list);

      await list.fetchMore({ variables: { before: pageInfo.startCursor } });

      const books = await listWith(3, list);
      assert.deepEqual(titles(books), POPULAR.slice(0, 3));
      assert.deepEqual([books.pageInfo.hasPreviousPage, books.pageInfo.hasNextPage], [false, true]);
    });

    test('a book of a list is read from the cache by its id', async () => {
      const client = createClient(URL);
      const list = await client.query({ query, variables: { path: 'fiction', first: 1 } });
      const requests = recordRequests();

      const { id } = list.data!.category!.books.edges[0]!.node;
      const { data } = await client.query({ query: BookDocument, variables: { id } });

      assert.equal(data!.book!.title, POPULAR[0]);
      assert.deepEqual(requests, []);
    });

    test('a book that does not exist is null, and stays so', async () => {
      const client = createClient(URL);
      const variables = { id: btoa('Book:1000000') };
      await client.query({ query: BookDocument, variables });
      const requests = recordRequests();

      const { data } = await client.query({ query: BookDocument, variables });

      assert.equal(data!.book, null);
      assert.deepEqual(requests, []);
    });

    test('the message of a refused limit reaches the user', async () => {
      const client = createClient(URL);

      await assert.rejects(client.query({ query, variables: { path: 'fiction', first: -1 } }), {
        message: 'first is -1; it must be from 0 to 100.',
      });
      await assert.rejects(client.query({ query, variables: { path: 'fiction', first: 100 } }), {
        message: 'The operation costs 502 rows; at most 500 are allowed (MAX_COST).',
      });
    });
  });
}

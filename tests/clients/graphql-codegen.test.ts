import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { lookUp, searchBooks } from '../../examples/clients/graphql-codegen/pages.ts';
import { kindsOf, recordRequests } from './requests.ts';

const URL = process.env.GRAPHQL_URL!;

suite('graphql-codegen', () => {
  test('a search is sent by its hash alone', async () => {
    const requests = recordRequests();

    const books = await searchBooks(URL, { text: 'jane austn', price: { lt: '20' } }, 1);

    assert.deepEqual(kindsOf(requests), ['POST documentId']);
    assert.deepEqual([books.totalCount, books.didYouMean], [4, 'Jane Austen']);
    const [{ highlightedTitle, matchedOn, node }] = books.edges as [(typeof books.edges)[0]];
    assert.deepEqual([highlightedTitle, matchedOn], ['Pride and Prejudice', ['AUTHORS']]);
    assert.deepEqual([node.publishedOn, node.price], ['1813-01-28', { amount: '11.99', currencyCode: 'EUR' }]);
  });

  test('choosing a value of a facet adds its filter to that of the list', async () => {
    const filter = { text: 'jane austn' };
    const { facets } = await searchBooks(URL, filter, 0);

    const [categories, languages] = facets.all;
    assert.deepEqual(categories!.values.map(({ label, count }) => [label, count]), [['Fiction', 4]]);
    assert.deepEqual(languages!.values.map(({ label, count }) => [label, count]), [['English', 4]]);
    for (const value of [categories!.values[0]!, languages!.values[0]!]) {
      const narrowed = await searchBooks(URL, { ...filter, ...value.filter }, 1);
      assert.equal(narrowed.totalCount, value.count);
    }
  });

  test('an object is looked up by its id alone', async () => {
    const { edges } = await searchBooks(URL, { text: 'Emma' }, 1);

    const book = await lookUp(URL, edges[0]!.node.id);

    assert.deepEqual(book?.__typename === 'Book' && [book.title, book.isbn], ['Emma', '9786900000357']);
    assert.equal(await lookUp(URL, btoa('Book:1000000')), null);
  });

  test('the message of a refused limit reaches the user', async () => {
    await assert.rejects(searchBooks(URL, {}, 101), { message: 'first is 101; it must be from 0 to 100.' });
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { bookByIsbn, createClient, messageOf, suggest } from '../../examples/clients/graphql-request/client.ts';

const client = createClient(process.env.GRAPHQL_URL!);

suite('graphql-request', () => {
  test('a book is found by its ISBN, in any form', async () => {
    for (const isbn of ['9786900000012', '978-6900000012']) {
      const book = await bookByIsbn(client, isbn);
      assert.deepEqual([book!.title, book!.publishedYear], ['A Christmas Carol', 1843]);
      assert.deepEqual(book!.authors.map(({ name }) => name), ['Charles Dickens']);
    }
    assert.equal(await bookByIsbn(client, '9780306406157'), null);
  });

  test('a search field gets suggestions', async () => {
    const { books, authors } = await suggest(client, 'frankenst');

    assert.deepEqual(books.map(({ title }) => title), ['Frankenstein']);
    assert.deepEqual(authors, []);
  });

  test('the message of a wrong value reaches the user', async () => {
    const error = await bookByIsbn(client, '9786900000013').catch((error: unknown) => error);

    assert.equal(
      messageOf(error),
      "Variable '$isbn' has invalid value: '9786900000013' is not a valid ISBN. Give 10 or 13 digits, with or " +
        'without hyphens; the last one is a check digit.',
    );
  });

  test('the message of a refused limit reaches the user', async () => {
    const error = await client.request('{ books(first: 100) { totalCount nodes { authors { name } } } }').catch((error: unknown) => error);

    assert.equal(messageOf(error), 'The operation costs 501 rows; at most 500 are allowed (MAX_COST).');
  });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';

import { Window } from 'happy-dom';

import { kindsOf, recordRequests, type Sent } from './requests.ts';

const URL = process.env.GRAPHQL_URL!;
const [FIRST, SECOND, THIRD, FOURTH] = [
  'El ingenioso hidalgo don Quijote de la Mancha by Miguel de Cervantes: 16.50 EUR',
  'Frankenstein by Mary Shelley: 10.99 EUR',
  'Les Misérables by Victor Hugo: 25.95 EUR',
  'Crime and Punishment by Fyodor Dostoevsky: 12.99 GBP',
];

const manifest: Record<string, string> = JSON.parse(
  readFileSync(new globalThis.URL('../../examples/clients/relay/persisted-queries.json', import.meta.url), 'utf8'),
);

/** Return the names of the operations whose identifiers were sent. */
const namesOf = (requests: Sent[]) => requests.map(({ documentId }) => /^query (\w+)/.exec(manifest[documentId!]!)![1]);

suite('Relay', () => {
  const window = new Window();
  const container = window.document.createElement('div');
  let root: { unmount(): void };
  let opening: Sent[];

  before(async () => {
    Object.assign(globalThis, { window, document: window.document });
    const { renderShop } = await import('../../examples/clients/relay/main.tsx');
    opening = recordRequests();
    root = renderShop(container as unknown as HTMLElement, URL, 'fiction');
  });
  after(async () => {
    root.unmount();
    await window.happyDOM.close();
  });

  const cards = () => [...container.querySelectorAll('li span')].map(({ textContent }) => textContent);

  function click(label: string): Sent[] {
    const requests = recordRequests();
    [...container.querySelectorAll('button')].find(({ textContent }) => textContent === label)!.click();
    return requests;
  }

  test('a page with a list is one request, for a document of the manifest', async () => {
    await until(() => cards().length === 2);

    assert.equal(container.querySelector('h1')!.textContent, 'Fiction');
    assert.deepEqual(cards(), [FIRST, SECOND]);
    assert.deepEqual(kindsOf(opening), ['POST documentId']);
    assert.deepEqual(namesOf(opening), ['CategoryPageQuery']);
  });

  test('the next page is asked for by the id of the category; a variable that was not given is null', async () => {
    const requests = click('More');
    await until(() => cards().length === 4);

    assert.deepEqual(cards(), [FIRST, SECOND, THIRD, FOURTH]);
    assert.deepEqual(namesOf(requests), ['CategoryBooksQuery']);
    const { id, after, ...others } = requests[0]!.variables!;
    assert.equal(atob(id as string).split(':')[0], 'Category');
    assert.deepEqual(others, { first: 2, language: null });
  });

  test('a book is asked for again by its id', async () => {
    const requests = click('Check the price');
    await until(() => requests.length === 1);

    assert.deepEqual(namesOf(requests), ['BookCardQuery']);
    assert.equal(atob(requests[0]!.variables!.id as string).split(':')[0], 'Book');
    await until(() => cards().length === 4);
    assert.deepEqual(cards(), [FIRST, SECOND, THIRD, FOURTH]);
  });

  test('a list with another filter begins with its first page', async () => {
    const requests = click('In French');
    await until(() => cards()[0] === THIRD);

    assert.deepEqual(cards(), [THIRD, 'Le Comte de Monte-Cristo by Alexandre Dumas: 19.99 EUR']);
    assert.deepEqual(namesOf(requests), ['CategoryBooksQuery']);
  });
});

/** Return when the condition is true. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

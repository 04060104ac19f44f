/** What a page shows when there is no answer yet, or none at all. */
import { AnswerError } from '../client';
import { h } from '../dom';
import { homeUrl } from '../urls';
import type { View } from '../view';

export type Skeleton = 'grid' | 'book';

/** Return grey shapes in the places of what is being read. */
export function skeleton(kind: Skeleton): HTMLElement {
  const bar = (name: string) => h('div', { class: `bone ${name}` });
  const card = () => h('li', { class: 'book-card' }, bar('bone-cover'), bar('bone-line'), bar('bone-short'));
  const cards = Array.from({ length: 12 }, card);
  return h(
    'div',
    { class: 'skeleton', 'aria-hidden': 'true' },
    kind === 'grid'
      ? [bar('bone-title'), bar('bone-line'), h('ul', { class: 'book-grid' }, cards)]
      : h(
          'div',
          { class: 'book-page' },
          bar('bone-cover'),
          h('div', {}, bar('bone-title'), bar('bone-short'), bar('bone-line'), bar('bone-line'), bar('bone-line')),
        ),
  );
}

export function notFoundView(): View {
  return {
    title: 'Page not found',
    content: [
      h(
        'div',
        { class: 'notice' },
        h('p', { class: 'notice-mark', 'aria-hidden': 'true' }, '404'),
        h('h1', {}, 'This page is not on our shelves'),
        h('p', {}, 'The book, author or category may have moved. The search field above finds what is there.'),
        h('p', {}, h('a', { class: 'button', href: homeUrl() }, 'Back to the home page')),
      ),
    ],
  };
}

/** Return the page for an address whose query has wrong values. The message says which. A wrong cursor can be left out. */
export function badAddressView(message: string, url: URL): View {
  const query = new URLSearchParams(url.search);
  const cursors = ['after', 'before'].filter((name) => query.has(name));
  cursors.forEach((name) => query.delete(name));
  const start = cursors.length && query.size ? `${url.pathname}?${query}` : url.pathname;
  return {
    title: 'Address not valid',
    content: [
      h(
        'div',
        { class: 'notice', role: 'alert' },
        h('h1', {}, 'This address has a mistake'),
        h('p', {}, message),
        h('p', {}, h('a', { class: 'button', href: start }, 'Show the page from its start')),
      ),
    ],
  };
}

/** Return the page of an operation that failed. `retry` runs it again. */
export function failureView(error: unknown, retry: () => void): View {
  const isTemporary = error instanceof AnswerError && error.isTemporary;
  const button = h('button', { class: 'button', type: 'button' }, 'Try again');
  button.addEventListener('click', retry);
  return {
    title: 'Something went wrong',
    content: [
      h(
        'div',
        { class: 'notice', role: 'alert' },
        h('h1', {}, isTemporary ? 'The bookstore does not answer' : 'The bookstore could not answer that'),
        h('p', {}, error instanceof Error ? error.message : String(error)),
        isTemporary && h('p', {}, 'Nothing is lost. Please try again in a moment.'),
        h('p', {}, button),
      ),
    ],
  };
}

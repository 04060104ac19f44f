/** Books in lists: a card, a grid of cards, a byline. */
import { h, type Child } from '../dom';
import { formatPrice, formatYear } from '../format';
import type { BookCardFragment } from '../gql/graphql';
import { authorUrl, bookUrl } from '../urls';
import { drawCover } from './cover';

/** Return a grid of books. */
export const bookGrid = (books: BookCardFragment[]) =>
  h('ul', { class: 'book-grid', role: 'list' }, books.map((book) => h('li', {}, bookCard(book))));

/** Return a card of a book. `title` replaces the plain title, for example with marks. */
export function bookCard(book: BookCardFragment, title: Child = book.title): HTMLElement {
  return h(
    'article',
    { class: 'book-card' },
    h(
      'a',
      { class: 'book-link', href: bookUrl(book) },
      drawCover(book),
      h('h3', { lang: book.language, dir: 'auto' }, title),
    ),
    h('p', { class: 'byline' }, authorLinks(book.authors)),
    h('p', { class: 'card-facts' }, cardFacts(book)),
  );
}

function cardFacts(book: BookCardFragment): Child {
  return [
    h('span', { class: 'price' }, book.price ? formatPrice(book.price) : 'Not for sale'),
    book.publishedYear !== null && h('span', { class: 'year' }, formatYear(book.publishedYear)),
  ];
}

export function authorLinks(authors: { name: string; slug: string }[]): Child {
  return authors.map((author, index) => [
    index > 0 && (index === authors.length - 1 ? ' and ' : ', '),
    h('a', { href: authorUrl(author), dir: 'auto' }, author.name),
  ]);
}

export function stars(average: number): HTMLElement {
  const full = Math.round(average);
  return h('span', { class: 'stars', 'aria-hidden': 'true' }, '★'.repeat(full), h('i', {}, '★'.repeat(5 - full)));
}

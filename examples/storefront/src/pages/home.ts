/** The home page: categories with their numbers of books, popular books, new books. */
import { h, type Child } from '../dom';
import { formatCount, formatNumber } from '../format';
import {
  HomePageDocument,
  type BookCardFragment,
  type HomePageQuery,
  type HomePageQueryVariables,
} from '../gql/graphql';
import { bookGrid } from '../parts/books';
import { drawCover } from '../parts/cover';
import { bookUrl, categoryUrl, searchUrl } from '../urls';
import type { Page, View } from '../view';

/** Fewer viewed books are no trend. */
const MIN_TRENDING = 3;

export const homePage: Page<HomePageQuery, HomePageQueryVariables> = {
  path: /^$/,
  skeleton: 'grid',
  document: HomePageDocument,
  readVariables: () => ({}),
  render: (data): View => ({
    title: 'Bookstore',
    content: [
      hero(data),
      categories(data.categories.nodes),
      shelf('popular', 'Popular books', data.popular.nodes, 'popular'),
      data.trending.nodes.length >= MIN_TRENDING && shelf('trending', 'Trending this week', data.trending.nodes, null),
      shelf('added', 'New on our shelves', data.added.nodes, 'added'),
    ],
  }),
};

function hero({ catalog, popular: { nodes } }: HomePageQuery): HTMLElement {
  const examples = ['jane austn', 'whale', 'greek tragedy'];
  return h(
    'section',
    { class: 'hero' },
    h(
      'div',
      { class: 'hero-text' },
      h('h1', {}, 'Every book, one question away'),
      h(
        'p',
        { class: 'lead' },
        `${formatCount(catalog.bookCount, 'book')} by ${formatCount(catalog.authorCount, 'author')} `,
        `in ${formatCount(catalog.languages.length, 'language')}. `,
        'Each page of this shop is one GraphQL operation: press “How this was asked” to read it.',
      ),
      h(
        'p',
        { class: 'try' },
        'Try ',
        examples.map((text, index) => [index > 0 && ', ', h('a', { href: searchUrl(text) }, text)]),
      ),
    ),
    h(
      'div',
      { class: 'hero-shelf' },
      nodes.slice(0, 5).map((book) =>
        h('a', { href: bookUrl(book), tabindex: -1, 'aria-hidden': 'true' }, drawCover(book)),
      ),
    ),
  );
}

function categories(nodes: HomePageQuery['categories']['nodes']): HTMLElement {
  const ordered = nodes.toSorted((a, b) => b.bookCount - a.bookCount);
  return h(
    'section',
    { 'aria-labelledby': 'categories' },
    h('h2', { id: 'categories' }, 'Categories'),
    h(
      'ul',
      { class: 'category-list', role: 'list' },
      ordered.map((category) =>
        h(
          'li',
          {},
          h(
            'a',
            { href: categoryUrl(category) },
            h('span', {}, category.name),
            h('span', { class: 'count' }, formatNumber(category.bookCount)),
          ),
        ),
      ),
    ),
  );
}

/** Return a shelf of books, with a link to all books in that order. */
function shelf(id: string, title: string, books: BookCardFragment[], order: string | null): Child {
  if (!books.length) return null;
  const name = h('span', { class: 'visually-hidden' }, `: ${title}`);
  return h(
    'section',
    { 'aria-labelledby': id },
    h(
      'div',
      { class: 'shelf-head' },
      h('h2', { id }, title),
      order && h('a', { href: `${searchUrl('')}&sort=${order}` }, 'See all', name),
    ),
    bookGrid(books),
  );
}

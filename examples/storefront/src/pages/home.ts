/** The home page: categories with their numbers of books, popular books, new books. */
import { h } from '../dom';
import { formatCount, formatNumber } from '../format';
import { HomePageDocument, type HomePageQuery, type HomePageQueryVariables } from '../gql/graphql';
import { bookGrid } from '../parts/books';
import { drawCover } from '../parts/cover';
import { bookUrl, categoryUrl, searchUrl } from '../urls';
import type { Page, View } from '../view';

export const homePage: Page<HomePageQuery, HomePageQueryVariables> = {
  path: /^$/,
  skeleton: 'grid',
  document: HomePageDocument,
  readVariables: () => ({}),
  render: (data): View => ({
    title: 'Bookstore',
    content: [hero(data), categories(data.categories.nodes), popular(data), added(data)],
  }),
};

function hero({ popular: { totalCount, nodes } }: HomePageQuery): HTMLElement {
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
        `${formatCount(totalCount, 'book')} to browse. Each page of this shop is one GraphQL operation: `,
        'press “How this was asked” to read it.',
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

const shelfHead = (id: string, title: string, href: string) =>
  h('div', { class: 'shelf-head' }, h('h2', { id }, title), h('a', { href }, 'See all', h('span', { class: 'visually-hidden' }, `: ${title}`)));

function popular(data: HomePageQuery): HTMLElement {
  return h(
    'section',
    { 'aria-labelledby': 'popular' },
    shelfHead('popular', 'Popular books', `${searchUrl('')}&sort=popular`),
    bookGrid(data.popular.nodes, 'h3'),
  );
}

function added(data: HomePageQuery): HTMLElement {
  return h(
    'section',
    { 'aria-labelledby': 'added' },
    shelfHead('added', 'New on our shelves', `${searchUrl('')}&sort=added`),
    bookGrid(data.added.nodes, 'h3'),
  );
}

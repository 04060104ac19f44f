/** An author: the books in the order of their years. */
import { h, type Child } from '../dom';
import { formatCount, formatLife, formatRole, formatYear, joinNames } from '../format';
import { AuthorPageDocument, type AuthorPageQuery, type AuthorPageQueryVariables } from '../gql/graphql';
import { readPlace } from '../list-state';
import { drawCover } from '../parts/cover';
import { pager } from '../parts/list-tools';
import { authorUrl, bookUrl } from '../urls';
import type { Page, View } from '../view';

type Author = NonNullable<AuthorPageQuery['author']>;
type Work = Author['books']['nodes'][number];

export const authorPage: Page<AuthorPageQuery, AuthorPageQueryVariables> = {
  path: /^authors\/([^/]+)$/,
  skeleton: 'grid',
  document: AuthorPageDocument,
  readVariables: (url, [slug = '']) => ({ slug, ...readPlace(url.searchParams) }),
  render: ({ author }, url): View | null => {
    if (!author) return null;
    const count = formatCount(author.bookCount, 'book');
    return {
      title: author.name,
      path: authorUrl(author),
      announcement: `${author.name}, ${count}`,
      content: [
        h(
          'header',
          { class: 'page-head author-head' },
          h('h1', { dir: 'auto' }, author.name),
          h('p', { class: 'muted' }, [formatLife(author.birthYear, author.deathYear), count].filter(Boolean).join(' · ')),
        ),
        h('h2', { id: 'results', class: 'visually-hidden', tabindex: -1 }, 'Books by year'),
        h('ol', { class: 'timeline', role: 'list' }, author.books.nodes.map((book) => entry(book, author))),
        pager(author.books.pageInfo, url),
      ],
    };
  },
};

function entry(book: Work, author: Author): HTMLElement {
  return h(
    'li',
    {},
    h(
      'div',
      { class: 'timeline-year' },
      book.publishedYear === null ? 'Undated' : formatYear(book.publishedYear),
      age(book.publishedYear, author),
    ),
    h(
      'a',
      { class: 'timeline-book', href: bookUrl(book) },
      drawCover(book),
      h(
        'div',
        {},
        h('h3', { lang: book.language, dir: 'auto' }, book.title),
        book.subtitle && h('p', { class: 'subtitle', lang: book.language, dir: 'auto' }, book.subtitle),
        roles(book, author),
        book.description && h('p', { class: 'description' }, book.description),
      ),
    ),
  );
}

/** Return how old the author was at most, if they lived then. */
function age(year: number | null, { birthYear, deathYear }: Author): Child {
  if (year === null || birthYear === null || deathYear === null || birthYear <= 0) return null;
  return year > birthYear && year <= deathYear && h('span', { class: 'muted' }, `aged ${year - birthYear}`);
}

/** Return the author's roles, if they did not only write the book. */
function roles(book: Work, { slug }: Author): Child {
  const own = book.contributions.filter(({ author }) => author.slug === slug).map(({ role }) => role);
  if (own.every((role) => role === 'AUTHOR')) return null;
  return h('p', { class: 'muted' }, joinNames(own.map(formatRole)));
}

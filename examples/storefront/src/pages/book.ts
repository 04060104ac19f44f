/** A book: all that the catalog says about it, and more by its authors. */
import { h, type Child } from '../dom';
import {
  formatAvailability,
  formatBookFormat,
  formatCount,
  formatDate,
  formatLanguage,
  formatNumber,
  formatPrice,
  formatRole,
  formatYear,
} from '../format';
import {
  BookPageDocument,
  type BookCardFragment,
  type BookPageQuery,
  type BookPageQueryVariables,
} from '../gql/graphql';
import { authorLinks, bookGrid, stars } from '../parts/books';
import { breadcrumb } from '../parts/breadcrumb';
import { drawCover } from '../parts/cover';
import { authorUrl, bookUrl, categoryUrl, seriesUrl } from '../urls';
import type { Page, View } from '../view';

type Book = NonNullable<BookPageQuery['book']>;

const SHELF_SIZE = 6;

export const bookPage: Page<BookPageQuery, BookPageQueryVariables> = {
  path: /^books\/([^/]+)$/,
  skeleton: 'book',
  document: BookPageDocument,
  readVariables: (_, [slug = '']) => ({ slug }),
  render: ({ book }): View | null =>
    book && {
      title: book.title,
      path: bookUrl(book),
      content: [
        breadcrumb(book.breadcrumb, { isHere: false }),
        h(
          'article',
          { class: 'book-page' },
          h('div', { class: 'book-cover' }, drawCover(book)),
          h(
            'div',
            { class: 'book-text' },
            h('h1', { lang: book.language, dir: 'auto' }, book.title),
            book.subtitle && h('p', { class: 'subtitle', lang: book.language, dir: 'auto' }, book.subtitle),
            seriesLine(book),
            book.authors.length > 0 && h('p', { class: 'byline' }, 'by ', authorLinks(book.authors)),
            rating(book),
            offer(book),
            book.description && h('p', { class: 'description' }, book.description),
            facts(book),
          ),
        ),
        shelves(book),
      ],
    },
};

function seriesLine({ series }: Book): Child {
  if (!series) return null;
  const link = h('a', { href: seriesUrl(series.series), dir: 'auto' }, series.series.name);
  return h('p', { class: 'series' }, series.position ? `Book ${series.position} in ` : 'In ', link);
}

function rating({ ratingAverage, ratingCount }: Book): Child {
  if (ratingAverage === null) return null;
  return h(
    'p',
    { class: 'rating' },
    stars(ratingAverage),
    h('span', { class: 'visually-hidden' }, 'Rated '),
    h('strong', {}, ratingAverage.toFixed(2)),
    h('span', { class: 'visually-hidden' }, ' of 5'),
    h('span', { class: 'muted' }, ` from ${formatCount(ratingCount, 'rating')}`),
  );
}

function offer({ price, availability, stock }: Book): Child {
  const inStock = availability === 'IN_STOCK';
  return h(
    'p',
    { class: 'offer' },
    price && h('span', { class: 'offer-price' }, formatPrice(price)),
    h(
      'span',
      { class: inStock ? 'in-stock' : 'not-in-stock' },
      inStock ? `${formatNumber(stock)} in stock` : formatAvailability(availability),
    ),
  );
}

function facts(book: Book): HTMLElement {
  const published = book.publishedOn
    ? formatDate(book.publishedOn)
    : book.publishedYear !== null && formatYear(book.publishedYear);
  const rows: [string, Child][] = [
    ['Published', published],
    ['Publisher', book.publisher],
    ['Format', book.format && formatBookFormat(book.format)],
    ['Language', book.language && formatLanguage(book.language)],
    ['Pages', book.pageCount && formatNumber(book.pageCount)],
    ['ISBN', book.isbn],
    ...contributorRows(book),
    ['Categories', book.categories.length > 0 && categoryLinks(book)],
  ];
  return h(
    'dl',
    { class: 'facts' },
    rows.filter(([, value]) => value).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  );
}

/** Return a row for each role but the author's, which is the byline. */
function contributorRows({ contributions }: Book): [string, Child][] {
  const byRole = Map.groupBy(contributions, ({ role }) => role);
  return [...byRole]
    .filter(([role]) => role !== 'AUTHOR')
    .map(([role, those]) => [
      formatRole(role),
      those.map(({ author }, index) => [index > 0 && ', ', h('a', { href: authorUrl(author), dir: 'auto' }, author.name)]),
    ]);
}

const categoryLinks = ({ categories }: Book) =>
  categories.map((category, index) => [index > 0 && ', ', h('a', { href: categoryUrl(category) }, category.name)]);

/** Return the shelves below the book. No book is on two of them. */
function shelves(book: Book): Child {
  const shown = new Set([book.slug]);
  const select = (books: BookCardFragment[]) => {
    const others = books.filter(({ slug }) => !shown.has(slug)).slice(0, SHELF_SIZE);
    others.forEach(({ slug }) => shown.add(slug));
    return others;
  };
  return [
    shelf('Other editions', select(book.editions.nodes)),
    book.authors.map((author) => {
      const all = h('a', { href: authorUrl(author) }, `All ${formatCount(author.books.totalCount, 'book')}`);
      return shelf(`More by ${author.name}`, select(author.books.nodes), all);
    }),
    shelf('Related books', select(book.related)),
  ];
}

function shelf(title: string, books: BookCardFragment[], link: Child = null): Child {
  if (!books.length) return null;
  return h(
    'section',
    { 'aria-label': title },
    h('div', { class: 'shelf-head' }, h('h2', {}, title), link),
    bookGrid(books),
  );
}

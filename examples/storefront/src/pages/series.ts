/** A series: its books in the order of their positions. */
import { h } from '../dom';
import { formatCount } from '../format';
import { SeriesPageDocument, type SeriesPageQuery, type SeriesPageQueryVariables } from '../gql/graphql';
import { readPlace } from '../list-state';
import { bookCard } from '../parts/books';
import { pager } from '../parts/list-tools';
import { seriesUrl } from '../urls';
import type { Page, View } from '../view';

export const seriesPage: Page<SeriesPageQuery, SeriesPageQueryVariables> = {
  path: /^series\/([^/]+)$/,
  skeleton: 'grid',
  document: SeriesPageDocument,
  readVariables: (url, [slug = '']) => ({ slug, ...readPlace(url.searchParams) }),
  render: ({ series }, url): View | null => {
    if (!series) return null;
    const count = formatCount(series.bookCount, 'book');
    return {
      title: series.name,
      path: seriesUrl(series),
      announcement: `${series.name}, ${count}`,
      content: [
        h(
          'header',
          { class: 'page-head author-head' },
          h('h1', { dir: 'auto' }, series.name),
          h('p', { class: 'muted' }, `A series of ${count}`),
        ),
        h('h2', { id: 'results', class: 'visually-hidden', tabindex: -1 }, 'Books by position'),
        h(
          'ul',
          { class: 'book-grid', role: 'list' },
          series.books.nodes.map((book) =>
            h('li', {}, h('p', { class: 'position' }, book.series?.position ?? '–'), bookCard(book)),
          ),
        ),
        pager(series.books.pageInfo, url),
      ],
    };
  },
};

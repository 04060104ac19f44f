/** Search: books for a text, with its correction, marked titles and facets. Without a text, all books. */
import { h, type Child } from '../dom';
import { formatCount } from '../format';
import { SearchPageDocument, type SearchPageQuery, type SearchPageQueryVariables } from '../gql/graphql';
import { highlightedNodes } from '../highlight';
import { readFilter, readOrder, readPlace } from '../list-state';
import { bookCard } from '../parts/books';
import { chosenFilters, facetPanel } from '../parts/facets';
import { listHead, pager } from '../parts/list-tools';
import { searchUrl } from '../urls';
import type { Page, View } from '../view';

type Books = SearchPageQuery['books'];

const ORDERS = ['popular', 'rating', 'newest', 'oldest', 'title', 'cheapest', 'added'];

const readText = (url: URL) => url.searchParams.get('q')?.trim() ?? '';
const standardOrder = (text: string) => (text ? 'relevance' : 'popular');

export const searchPage: Page<SearchPageQuery, SearchPageQueryVariables> = {
  path: /^search$/,
  skeleton: 'grid',
  document: SearchPageDocument,
  readVariables: (url) => {
    const text = readText(url);
    return {
      filter: { ...readFilter(url.searchParams), ...(text ? { text } : {}) },
      orderBy: readOrder(url.searchParams, standardOrder(text))[1],
      ...readPlace(url.searchParams),
    };
  },
  render: ({ books }, url): View => {
    const text = readText(url);
    const facets = books.facets.all;
    const [order] = readOrder(url.searchParams, standardOrder(text));
    const count = formatCount(books.totalCount, 'book', books.totalCountIsCapped);
    const title = text ? `Search: ${text}` : 'All books';
    return {
      title,
      announcement: `${count} found${books.didYouMean ? ` for ${books.didYouMean}` : ''}`,
      content: [
        h('header', { class: 'page-head' }, h('h1', {}, text ? ['Search: ', h('q', { dir: 'auto' }, text)] : title)),
        correction(books.didYouMean),
        h(
          'div',
          { class: 'list-page' },
          facetPanel(facets, url),
          h(
            'section',
            { class: 'list', 'aria-labelledby': 'results' },
            listHead(count, text ? ['relevance', ...ORDERS] : ORDERS, order, url),
            chosenFilters(facets, url),
            books.edges.length ? results(books) : nothingFound(),
            pager(books.pageInfo, url),
          ),
        ),
      ],
    };
  },
};

const correction = (didYouMean: string | null): Child =>
  didYouMean &&
  h(
    'p',
    { class: 'correction' },
    'Showing results for ',
    h('a', { href: searchUrl(didYouMean) }, h('strong', { dir: 'auto' }, didYouMean)),
  );

const results = ({ edges }: Books) =>
  h(
    'ul',
    { class: 'book-grid', role: 'list' },
    edges.map(({ node, highlightedTitle }) => h('li', {}, bookCard(node, highlightedNodes(highlightedTitle)))),
  );

const nothingFound = () =>
  h('p', { class: 'nothing' }, 'No book matches. Try fewer words, or remove a filter.');

/** A category: the ones below it, facets, and its books page by page. */
import { h, type Child } from '../dom';
import { formatCount, formatNumber } from '../format';
import { CategoryPageDocument, type CategoryPageQuery, type CategoryPageQueryVariables } from '../gql/graphql';
import { readFilter, readOrder, readPlace } from '../list-state';
import { bookGrid } from '../parts/books';
import { breadcrumb } from '../parts/breadcrumb';
import { chosenFilters, facetPanel } from '../parts/facets';
import { listHead, pager } from '../parts/list-tools';
import { categoryUrl } from '../urls';
import type { Page, View } from '../view';

type Category = NonNullable<CategoryPageQuery['category']>;

const ORDERS = ['popular', 'rating', 'newest', 'oldest', 'title', 'cheapest', 'added'];

export const categoryPage: Page<CategoryPageQuery, CategoryPageQueryVariables> = {
  path: /^categories\/(.+)$/,
  skeleton: 'grid',
  document: CategoryPageDocument,
  readVariables: (url, [path = '']) => ({
    path,
    filter: readFilter(url.searchParams),
    orderBy: readOrder(url.searchParams, 'popular')[1],
    ...readPlace(url.searchParams),
  }),
  render: ({ category }, url): View | null => {
    if (!category) return null;
    const { books } = category;
    const facets = books.facets.all;
    const [order] = readOrder(url.searchParams, 'popular');
    const count = formatCount(books.totalCount, 'book', books.totalCountIsCapped);
    return {
      title: category.name,
      path: categoryUrl(category),
      announcement: `${category.name}, ${count}`,
      content: [
        breadcrumb([...category.ancestors, category], { isHere: true }),
        h('header', { class: 'page-head' }, h('h1', {}, category.name), subcategories(category)),
        h(
          'div',
          { class: 'list-page' },
          facetPanel(facets, url),
          h(
            'section',
            { class: 'list', 'aria-labelledby': 'results' },
            listHead(count, ORDERS, order, url),
            chosenFilters(facets, url),
            bookGrid(books.nodes),
            pager(books.pageInfo, url),
          ),
        ),
      ],
    };
  },
};

function subcategories({ children, name }: Category): Child {
  if (!children.nodes.length) return null;
  return h(
    'nav',
    { 'aria-label': `Categories in ${name}` },
    h(
      'ul',
      { class: 'category-chips', role: 'list' },
      children.nodes.map((child) =>
        h(
          'li',
          {},
          h('a', { href: categoryUrl(child) }, child.name, h('span', { class: 'count' }, formatNumber(child.bookCount))),
        ),
      ),
    ),
  );
}

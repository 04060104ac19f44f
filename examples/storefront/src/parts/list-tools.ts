/** What is above and below a list of books: its size, its order, the ways to the other pages. */
import { h, type Child } from '../dom';
import type { PageFragment } from '../gql/graphql';
import { FIRST_PAGE, ORDERS } from '../list-state';
import { navigate } from '../router';
import { withParameters } from '../urls';

/** Return the heading of the list and the choice of its order. */
export function listHead(count: string, orders: string[], chosen: string, url: URL): HTMLElement {
  const select = h(
    'select',
    { id: 'sort' },
    orders.map((name) => h('option', { value: name, selected: name === chosen }, ORDERS[name]!.label)),
  );
  select.addEventListener('change', () => navigate(withParameters(url, { ...FIRST_PAGE, sort: select.value })));
  return h(
    'div',
    { class: 'list-head' },
    h('h2', { id: 'results', tabindex: -1 }, count),
    h('div', { class: 'sort' }, h('label', { for: 'sort' }, 'Sort by'), select),
  );
}

/** Return the links to the next and the previous page; nothing if there is one page. */
export function pager(page: PageFragment, url: URL): Child {
  if (!page.hasNextPage && !page.hasPreviousPage) return null;
  const link = (label: string, rel: string, cursors: Record<string, string | null>) =>
    h('a', { class: `pager-${rel}`, rel, href: withParameters(url, cursors) }, label);
  return h(
    'nav',
    { class: 'pager', 'aria-label': 'Pages' },
    page.hasPreviousPage && link('Previous page', 'prev', { after: null, before: page.startCursor }),
    page.hasNextPage && link('Next page', 'next', { before: null, after: page.endCursor }),
  );
}

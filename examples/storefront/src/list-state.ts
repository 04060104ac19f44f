/** The state of a list of books in its address: filters, order and the place in the list. */
import type { BookFilter, BookOrder } from './gql/graphql';

export const PAGE_SIZE = 24;

/** The orders that a reader may choose, by their name in the address. */
export const ORDERS: Record<string, { label: string; order: BookOrder }> = {
  relevance: { label: 'Best match', order: { field: 'RELEVANCE' } },
  popular: { label: 'Most popular', order: { field: 'POPULARITY' } },
  added: { label: 'Newly added', order: { field: 'ADDED', direction: 'DESC' } },
  rating: { label: 'Best rated', order: { field: 'RATING', direction: 'DESC' } },
  newest: { label: 'Latest publication', order: { field: 'PUBLICATION', direction: 'DESC' } },
  oldest: { label: 'Earliest publication', order: { field: 'PUBLICATION', direction: 'ASC' } },
  title: { label: 'Title', order: { field: 'TITLE' } },
  cheapest: { label: 'Price, low to high', order: { field: 'PRICE' } },
};

/** Each facet's parameter, and the filter that its value means; null if the value is not valid. */
const FILTERS: Record<string, (value: string) => BookFilter | null> = {
  category: (path) => ({ category: { path: { eq: path } } }),
  language: (tag) => ({ language: { eq: tag } }),
  decade: (value) => {
    const first = Number(value);
    return Number.isInteger(first) ? { published: { gte: first, lt: first + 10 } } : null;
  },
  rating: (value) => (/^[0-5]$/.test(value) ? { rating: { gte: value, lt: String(Number(value) + 1) } } : null),
  price: (value) => {
    const [, currency, from, below] = /^([A-Z]{3}):([\d.]+)-([\d.]*)$/.exec(value) ?? [];
    if (!currency || !from) return null;
    return { price: { currency, gte: from, ...(below ? { lt: below } : {}) } };
  },
};

/** The parameters that change what is in a list. A new value of one of them begins at the first page. */
export const FILTER_NAMES = Object.keys(FILTERS);
export const FIRST_PAGE = { after: null, before: null };

export function readFilter(query: URLSearchParams): BookFilter {
  const filters = FILTER_NAMES.map((name) => {
    const value = query.get(name);
    return value ? FILTERS[name]?.(value) : null;
  });
  return Object.assign({}, ...filters.filter(Boolean)) as BookFilter;
}

export function readOrder(query: URLSearchParams, standard: string): [name: string, order: BookOrder] {
  const name = query.get('sort') ?? standard;
  const chosen = ORDERS[name] ?? ORDERS[standard]!;
  return [ORDERS[name] ? name : standard, chosen.order];
}

/** Return the arguments of the page: the last entries before a cursor, or the first ones after it. */
export function readPlace(query: URLSearchParams) {
  const before = query.get('before');
  if (before) return { last: PAGE_SIZE, before };
  const after = query.get('after');
  return after ? { first: PAGE_SIZE, after } : { first: PAGE_SIZE };
}

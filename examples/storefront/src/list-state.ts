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

/** The parameters of the first page, which a change of the filter or the order leads to. */
export const FIRST_PAGE = { after: null, before: null };

/**
 * Return a filter as parameters of an address: `{price: {lt: 20}}` is `price.lt=20`. A text is itself, unless it could
 * be read as another value.
 */
export function filterParameters(filter: object, prefix = ''): [name: string, value: string][] {
  return Object.entries(filter).flatMap(([name, value]): [string, string][] => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return filterParameters(value as object, `${prefix}${name}.`);
    }
    const isPlain = typeof value === 'string' && parseValue(value) === value;
    return [[prefix + name, isPlain ? value : JSON.stringify(value)]];
  });
}

/** Return the filter in an address: its parameters with a dot. */
export function readFilter(query: URLSearchParams): BookFilter {
  const filter = emptyObject();
  for (const [name, value] of query) {
    const path = name.split('.');
    const last = path.pop()!;
    if (!path.length) continue;
    let inner = filter;
    for (const part of path) {
      const next = inner[part];
      inner = inner[part] = typeof next === 'object' && next !== null ? (next as Fields) : emptyObject();
    }
    inner[last] = parseValue(value);
  }
  return filter as BookFilter;
}

type Fields = Record<string, unknown>;

/** Return an object without a prototype, so that a name in an address is never one of its own. */
const emptyObject = () => Object.create(null) as Fields;

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
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

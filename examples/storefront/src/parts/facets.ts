/** Facets: values that narrow a list, with their counts, as links that add and remove them. */
import { h, type Child } from '../dom';
import { formatAmount, formatDecade, formatLanguage, formatNumber } from '../format';
import type { BookFacetsFragment } from '../gql/graphql';
import { FILTER_NAMES, FIRST_PAGE } from '../list-state';
import { withParameters } from '../urls';

export interface FacetValue {
  value: string;
  label: string;
  count: number;
}

export interface Facet {
  /** The parameter of the address. */
  name: string;
  label: string;
  values: FacetValue[];
}

const SHOWN = 8;

/** Return the facets that every list of books has. */
export function commonFacets(facets: BookFacetsFragment): Facet[] {
  return [
    {
      name: 'language',
      label: 'Language',
      values: facets.languages.entries.map(({ language, count }) => ({
        value: language,
        label: formatLanguage(language),
        count,
      })),
    },
    {
      name: 'price',
      label: 'Price',
      values: facets.prices.entries.map(({ currencyCode, from, below, count }) => ({
        value: `${currencyCode}:${from}-${below ?? ''}`,
        label: below
          ? `${formatAmount(from, currencyCode)} to ${formatAmount(below, currencyCode)}`
          : `${formatAmount(from, currencyCode)} and more`,
        count,
      })),
    },
    {
      name: 'decade',
      label: 'Published',
      values: facets.decades.entries.map(({ decade, count }) => ({
        value: String(decade),
        label: formatDecade(decade),
        count,
      })),
    },
    {
      name: 'rating',
      label: 'Rating',
      values: facets.ratings.entries.map(({ rating, count }) => ({
        value: String(rating),
        label: `${rating} to ${rating + 1} stars`,
        count,
      })),
    },
  ];
}

/** Return the panel of facets. It is closed on a phone, where it would hide the books. */
export function facetPanel(facets: Facet[], url: URL): HTMLElement {
  const chosen = FILTER_NAMES.filter((name) => url.searchParams.has(name)).length;
  return h(
    'details',
    { class: 'facets', open: matchMedia('(min-width: 56rem)').matches },
    h('summary', {}, 'Filter', chosen > 0 && h('span', { class: 'badge' }, chosen)),
    h('div', { class: 'facet-list' }, facets.map((facet) => facetGroup(facet, url))),
  );
}

function facetGroup(facet: Facet, url: URL): Child {
  const chosen = url.searchParams.get(facet.name);
  if (!facet.values.length && chosen === null) return null;
  const links = facet.values.map((value) => facetLink(facet, value, chosen === value.value, url));
  const isHidden = facet.values.findIndex(({ value }) => value === chosen) >= SHOWN;
  return h(
    'section',
    { class: 'facet' },
    h('h2', { id: `facet-${facet.name}` }, facet.label),
    h('ul', { role: 'list', 'aria-labelledby': `facet-${facet.name}` }, links.slice(0, SHOWN)),
    links.length > SHOWN &&
      h(
        'details',
        { class: 'facet-more', open: isHidden },
        h('summary', {}, `${links.length - SHOWN} more`),
        h('ul', { role: 'list', 'aria-labelledby': `facet-${facet.name}` }, links.slice(SHOWN)),
      ),
  );
}

function facetLink(facet: Facet, { value, label, count }: FacetValue, isChosen: boolean, url: URL): HTMLElement {
  const href = withParameters(url, { ...FIRST_PAGE, [facet.name]: isChosen ? null : value });
  return h(
    'li',
    {},
    h(
      'a',
      { id: `facet-${facet.name}-${value}`, href, 'aria-current': isChosen ? 'true' : null },
      h('span', {}, label),
      h('span', { class: 'count' }, formatNumber(count)),
    ),
  );
}

/** Return the chosen values, each as a link that removes it. */
export function chosenFilters(facets: Facet[], url: URL): Child {
  const chosen = facets.flatMap((facet) => {
    const value = url.searchParams.get(facet.name);
    if (value === null) return [];
    const label = facet.values.find((each) => each.value === value)?.label ?? value;
    return [{ name: facet.name, label }];
  });
  if (!chosen.length) return null;
  const nothing = Object.fromEntries(FILTER_NAMES.map((name) => [name, null]));
  return h(
    'ul',
    { class: 'chosen', role: 'list', 'aria-label': 'Chosen filters' },
    chosen.map(({ name, label }) =>
      h(
        'li',
        {},
        h(
          'a',
          { href: withParameters(url, { ...FIRST_PAGE, [name]: null }) },
          h('span', { class: 'visually-hidden' }, 'Remove '),
          label,
          h('span', { class: 'cross', 'aria-hidden': 'true' }, '×'),
        ),
      ),
    ),
    chosen.length > 1 &&
      h('li', {}, h('a', { class: 'clear', href: withParameters(url, { ...FIRST_PAGE, ...nothing }) }, 'Clear all')),
  );
}

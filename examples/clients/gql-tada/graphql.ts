import { initGraphQLTada } from 'gql.tada';

import type { introspection } from './generated/graphql-env.d.ts';

export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: {
    BookFilterJSON: object;
    CurrencyCode: string;
    Date: string;
    DateTime: string;
    Decimal: string;
    ISBN: string;
    LanguageCode: string;
    URL: string;
  };
}>();

export { readFragment, type FragmentOf, type ResultOf, type VariablesOf } from 'gql.tada';

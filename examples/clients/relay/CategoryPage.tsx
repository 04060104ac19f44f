import { graphql, useLazyLoadQuery } from 'react-relay';

import { CategoryBooks } from './CategoryBooks.tsx';
import type { CategoryPageQuery } from './__generated__/CategoryPageQuery.graphql.ts';

export function CategoryPage({ path }: { path: string }) {
  const { category } = useLazyLoadQuery<CategoryPageQuery>(
    graphql`
      query CategoryPageQuery($path: String!) {
        category(by: { path: $path }) {
          name
          ...CategoryBooks_category
        }
      }
    `,
    { path },
  );

  if (!category) return <p>There is no category {path}.</p>;
  return (
    <main>
      <h1>{category.name}</h1>
      <CategoryBooks category={category} />
    </main>
  );
}

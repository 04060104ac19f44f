import { graphql, usePaginationFragment } from 'react-relay';

import { BookCard } from './BookCard.tsx';
import type { CategoryBooks_category$key } from './__generated__/CategoryBooks_category.graphql.ts';

/** The most popular books of a category, two at a time. */
export function CategoryBooks({ category }: { category: CategoryBooks_category$key }) {
  const { data, hasNext, loadNext, refetch } = usePaginationFragment(
    graphql`
      fragment CategoryBooks_category on Category
      @refetchable(queryName: "CategoryBooksQuery")
      @argumentDefinitions(
        first: { type: "Int", defaultValue: 2 }
        after: { type: "String" }
        language: { type: "String" }
      ) {
        books(
          first: $first
          after: $after
          orderBy: { field: POPULARITY }
          filter: { language: { eq: $language } }
        ) @connection(key: "CategoryBooks_books") {
          edges {
            node {
              id
              ...BookCard_book
            }
          }
        }
      }
    `,
    category,
  );

  return (
    <>
      <ol>
        {data.books.edges.map(({ node }) => (
          <BookCard key={node.id} book={node} />
        ))}
      </ol>
      {hasNext && <button onClick={() => loadNext(2)}>More</button>}
      <button onClick={() => refetch({ language: 'fr' })}>In French</button>
    </>
  );
}

import { graphql, useRefetchableFragment } from 'react-relay';

import type { BookCard_book$key } from './__generated__/BookCard_book.graphql.ts';

/** A book with its price. The button asks for this book alone again, by `node`. */
export function BookCard({ book }: { book: BookCard_book$key }) {
  const [{ title, price, authors }, refetch] = useRefetchableFragment(
    graphql`
      fragment BookCard_book on Book @refetchable(queryName: "BookCardQuery") {
        title
        price {
          amount
          currencyCode
        }
        authors {
          id
          name
        }
      }
    `,
    book,
  );

  return (
    <li>
      <span>
        {title} by {authors.map(({ name }) => name).join(', ')}: {price?.amount} {price?.currencyCode}
      </span>
      <button onClick={() => refetch({}, { fetchPolicy: 'network-only' })}>Check the price</button>
    </li>
  );
}

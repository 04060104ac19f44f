// The tabs GraphiQL opens with. GraphiQL names a tab after its operation. Every document stands by
// itself (variables have defaults) and is validated against the schema by tests/graphql_api/test_explorer.py.
export const examples: { query: string }[] = [];

const example = (query: string) => examples.push({ query: query.trim() + '\n' });

// Books, one page of a Relay connection, with their authors: three SQL statements at any page size.
example(`
# The first ten books by title.
# Ctrl-Enter runs the query, Ctrl-Space completes a name, Ctrl-click opens its documentation.
query Books {
  books(first: 10, orderBy: { field: TITLE, direction: ASC }) {
    totalCount
    nodes {
      title
      publishedYear
      authors {
        name
      }
      price {
        amount
        currencyCode
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`);

// A category is a tree: its books are those of every category below it, unless told otherwise.
example(`
# The newest books of a category and of every category below it.
query Category {
  category(by: { path: "fiction" }) {
    name
    bookCount
    children(first: 10) {
      nodes {
        name
        bookCount
      }
    }
    books(first: 5, orderBy: { field: PUBLICATION, direction: DESC }) {
      totalCount
      nodes {
        title
        publishedYear
        authors {
          name
        }
        categories {
          path
        }
      }
    }
  }
}
`);

// An author by slug, with everything the catalog holds of theirs.
example(`
# One author, and their works in the order of publication.
query Author {
  author(by: { slug: "jane-austen" }) {
    name
    birthYear
    deathYear
    books(first: 20, orderBy: { field: PUBLICATION, direction: ASC }) {
      totalCount
      nodes {
        title
        publishedYear
        contributions {
          role
          author {
            name
          }
        }
      }
    }
  }
}
`);

// Paging by cursor, with variables.
example(`
# Page after page: put the endCursor of one answer into the variable "after" of the next
# (open "Variables" below and write {"after": "…"}).
query Paging($first: Int = 5, $after: String) {
  authors(first: $first, after: $after) {
    nodes {
      name
      books(first: 3) {
        totalCount
        nodes {
          title
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`);

// A look-up by ISBN.
example(`
# One book by its ISBN: ten or thirteen digits, with hyphens or without.
query Isbn($isbn: ISBN = "978-0-14-143951-8") {
  book(by: { isbn: $isbn }) {
    id
    isbn
    title
    subtitle
    description
    language
    publishedOn
    pageCount
    stock
    coverUrl
    ratingAverage
    ratingCount
  }
}
`);

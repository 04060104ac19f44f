// The tabs GraphiQL opens with; it names a tab after its operation. Every document runs as it stands
// (variables have defaults) and is validated and run by tests/graphql_api/test_explorer.py.
export const examples: { query: string }[] = [];

const example = (document: string) => examples.push({ query: document.trim() });

// A page of books with their authors: the same few SQL statements at any page size.
example(`
# The first ten books by title.
# Ctrl-Enter runs this, Ctrl-Space completes,
# Ctrl-click a name for its documentation.
query Books {
  books(
    first: 10
    orderBy: { field: TITLE, direction: ASC }
  ) {
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

// Categories are a tree: the books of one are also those of every category below it.
example(`
# A category, the categories right below it,
# and the newest books of the whole subtree.
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
    books(
      first: 5
      orderBy: {
        field: PUBLICATION
        direction: DESC
      }
    ) {
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

// An author by slug, with their works; contributions say who did what.
example(`
# An author and their works, oldest first.
query Author {
  author(by: { slug: "jane-austen" }) {
    name
    birthYear
    deathYear
    books(
      first: 20
      orderBy: {
        field: PUBLICATION
        direction: ASC
      }
    ) {
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

// Pages by cursor, given as a variable; a nested connection pages for each author.
example(`
# Page after page: copy endCursor from the answer
# into "Variables" below, as {"after": "…"}.
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

// A book by ISBN, with everything that is its own.
example(`
# A book by its ISBN: ten digits or thirteen,
# with hyphens or without.
query ISBN($isbn: ISBN! = "978-6-900000-96-8") {
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

// The tabs GraphiQL opens with, and the list of the panel "Examples". GraphiQL names a tab after its operation. Every
// document runs as it stands (variables have defaults), on any catalog: it asks for what is there.
// tests/graphql_api/test_explorer.py validates them, and test_explorer_browser.py runs them.
export type Example = { name: string; about: string; query: string };

export const examples: Example[] = [];

/** How many of the examples are tabs at first. */
export const OPENED_EXAMPLES = 5;

// The comment above an operation says what it shows.
const example = (document: string) => {
  const query = document.trim();
  const about = [...query.matchAll(/^# (.*)$/gm)].map((line) => line[1]).join(' ');
  examples.push({ name: query.match(/^query (\w+)/m)![1]!, about, query });
};

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
# The first category, the categories right below it,
# and the newest books of the whole subtree.
query Category {
  categories(first: 1, rootsOnly: true) {
    nodes {
      name
      path
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
}
`);

// Authors with their works; contributions say who did what.
example(`
# The authors of the most popular book, and
# their works, oldest first.
query Author {
  books(
    first: 1
    orderBy: { field: POPULARITY }
  ) {
    nodes {
      title
      authors {
        name
        slug
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

// A search: the last word may be incomplete, so one letter finds something in any catalog.
example(`
# Search as in a search field: misspelt and incomplete
# words are found. Put another text into "Variables".
query Search($text: String = "a") {
  books(first: 5, filter: { text: $text }) {
    totalCount
    didYouMean
    edges {
      matchedOn
      highlightedTitle
      node {
        title
        authors {
          name
        }
      }
    }
  }
}
`);

example(`
# Suggestions for a search field, as you type.
query Suggestions($typed: String = "a") {
  suggest(prefix: $typed, first: 3) {
    books {
      title
    }
    authors {
      name
    }
    categories {
      name
      path
    }
  }
}
`);

example(`
# What the catalog could be narrowed by, with the
# number of books of each value.
query Facets {
  books(first: 0) {
    totalCount
    facets {
      all(first: 5) {
        label
        values {
          label
          count
        }
      }
    }
  }
}
`);

example(`
# Books in stock, the cheapest first. Amounts are not
# converted, so the filter may name a currency.
query InStock($filter: BookFilter = { inStock: true }) {
  books(
    first: 10
    filter: $filter
    orderBy: { field: PRICE, direction: ASC }
  ) {
    totalCount
    nodes {
      title
      stock
      price {
        amount
        currencyCode
      }
    }
  }
}
`);

example(`
# What was added last, for a page of new books.
query NewBooks($first: Int = 5) {
  books(
    first: $first
    orderBy: { field: ADDED, direction: DESC }
  ) {
    nodes {
      title
      isbn
      language
      publishedOn
      format
      publisher
    }
  }
}
`);

example(`
# The tree of categories, two levels deep.
query CategoryTree {
  categories(first: 20, rootsOnly: true) {
    nodes {
      name
      bookCount
      children(first: 20) {
        nodes {
          name
          path
          bookCount
        }
      }
    }
  }
}
`);

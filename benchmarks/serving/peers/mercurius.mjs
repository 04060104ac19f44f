// Mercurius with graphql-jit over hand-written SQL and batched loaders. Loaders without the per-request cache,
// which would serialize every object to key it; postgres.js pipelines and prepares its statements.
import Fastify from "fastify";
import mercurius from "mercurius";
import postgres from "postgres";

const address = new URL(process.env.DATABASE_URL.replace("@/", "@socket/"));
const sql = postgres({
  host: address.searchParams.get("host"),
  port: Number(address.searchParams.get("port")),
  user: address.username,
  database: address.pathname.slice(1),
  max: 10,
  types: { day: { from: [1082], to: 1082, parse: String, serialize: String } },
});

const schema = `
  type Money { amount: String! currencyCode: String! }
  type Book {
    id: ID! title: String! subtitle: String isbn: String description: String language: String
    publishedYear: Int publishedOn: String pageCount: Int price: Money stock: Int! coverUrl: String
    ratingAverage: Float ratingCount: Int!
    authors: [Author!]!
    categories: [Category!]!
  }
  type BookConnection { nodes: [Book!]! totalCount: Int! }
  type Author {
    id: ID! slug: String! name: String! birthYear: Int deathYear: Int bookCount: Int!
    books(first: Int = 20): BookConnection!
  }
  type CategoryConnection { nodes: [Category!]! }
  type Category {
    id: ID! name: String! path: String! bookCount: Int!
    ancestors: [Category!]!
    children(first: Int = 20): CategoryConnection!
    books(first: Int = 20): BookConnection!
  }
  type Query {
    book(isbn: String!): Book
    author(slug: String!): Author
    category(path: String!): Category
  }
`;

const bookColumns = sql`b.id, b.title, b.subtitle, b.isbn, b.description, b.language,
  b.published_year AS "publishedYear", b.published_on AS "publishedOn", b.page_count AS "pageCount",
  b.price AS amount, b.currency AS "currencyCode", b.stock, b.cover_url AS "coverUrl",
  b.rating_average::float8 AS "ratingAverage", b.rating_count AS "ratingCount"`;
const authorColumns = sql`a.id, a.slug, a.name, a.birth_year AS "birthYear", a.death_year AS "deathYear",
  a.book_count AS "bookCount"`;
const categoryColumns = sql`c.id, c.name, c.path, c.book_count AS "bookCount", c.lineage`;

const resolvers = {
  Query: {
    book: async (_, { isbn }) => (await sql`SELECT ${bookColumns} FROM book b WHERE b.isbn = ${isbn}`)[0],
    author: async (_, { slug }) => (await sql`SELECT ${authorColumns} FROM author a WHERE a.slug = ${slug}`)[0],
    category: async (_, { path }) =>
      (await sql`SELECT ${categoryColumns} FROM category c WHERE c.path = ${path}`)[0],
  },
  Book: { price: (book) => (book.amount === null ? null : book) },
};

const loaders = {
  Book: {
    authors: uncached(async (queries) =>
      grouped(queries, await sql`
        SELECT l.book_id AS key, ${authorColumns} FROM book_author l JOIN author a ON a.id = l.author_id
        WHERE l.book_id = ANY (${ids(queries)}::bigint[]) ORDER BY l.book_id, l.position`)),
    categories: uncached(async (queries) =>
      grouped(queries, await sql`
        SELECT l.book_id AS key, ${categoryColumns} FROM book_category l JOIN category c ON c.id = l.category_id
        WHERE l.book_id = ANY (${ids(queries)}::bigint[]) ORDER BY l.book_id, c.path`)),
  },
  Author: {
    books: uncached(async (queries) =>
      connections(queries, await sql`
        SELECT parent.id AS key, ${bookColumns} FROM unnest(${ids(queries)}::bigint[]) AS parent (id)
        CROSS JOIN LATERAL (
          SELECT title_key, book_id FROM author_listing WHERE author_id = parent.id
          ORDER BY title_key, book_id LIMIT ${first(queries)}
        ) AS l JOIN book b ON b.id = l.book_id ORDER BY parent.id, l.title_key, l.book_id`)),
  },
  Category: {
    ancestors: uncached(async (queries) => {
      const rows = await sql`
        SELECT ${categoryColumns} FROM category c
        WHERE c.id = ANY (${queries.flatMap(({ obj }) => obj.lineage.slice(0, -1))}::bigint[])`;
      const found = new Map(rows.map((row) => [row.id, row]));
      return queries.map(({ obj }) => obj.lineage.slice(0, -1).map((id) => found.get(id)));
    }),
    children: uncached(async (queries) =>
      connections(queries, await sql`
        SELECT parent.id AS key, c.* FROM unnest(${ids(queries)}::bigint[]) AS parent (id)
        CROSS JOIN LATERAL (
          SELECT ${categoryColumns}, c.sort_key FROM category c WHERE c.parent_id = parent.id
          ORDER BY c.sort_key, c.id LIMIT ${first(queries)}
        ) AS c ORDER BY parent.id, c.sort_key, c.id`)),
    books: uncached(async (queries) =>
      connections(queries, await sql`
        SELECT parent.id AS key, ${bookColumns} FROM unnest(${ids(queries)}::bigint[]) AS parent (id)
        CROSS JOIN LATERAL (
          (SELECT title_key, book_id FROM category_listing WHERE category_id = parent.id AND direct
           ORDER BY title_key, book_id LIMIT ${first(queries)})
          UNION ALL
          (SELECT title_key, book_id FROM category_listing WHERE category_id = parent.id AND NOT direct
           ORDER BY title_key, book_id LIMIT ${first(queries)})
          ORDER BY title_key, book_id LIMIT ${first(queries)}
        ) AS l JOIN book b ON b.id = l.book_id ORDER BY parent.id, l.title_key, l.book_id`)),
  },
};

function uncached(loader) {
  return { loader, opts: { cache: false } };
}

function ids(queries) {
  return queries.map(({ obj }) => obj.id);
}

function first(queries) {
  return queries[0].params.first; // one field of one operation: the same for all
}

function grouped(queries, rows) {
  const groups = new Map(queries.map(({ obj }) => [obj.id, []]));
  for (const row of rows) groups.get(row.key).push(row);
  return queries.map(({ obj }) => groups.get(obj.id));
}

function connections(queries, rows) {
  const pages = grouped(queries, rows);
  return queries.map(({ obj }, index) => ({ nodes: pages[index], totalCount: obj.bookCount }));
}

const app = Fastify({ logger: false });
app.register(mercurius, { schema, resolvers, loaders, jit: 1 });
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });

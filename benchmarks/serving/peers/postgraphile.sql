-- What a PostGraphile user adds to the catalog's tables, as its documentation says: computed columns, each a single
-- SELECT that PostgreSQL can inline. Those that lead through a listing take the size of the page themselves ("top"):
-- a LIMIT around the function would come too late, PostgreSQL would sort all books of a category first.
-- Nothing here is used by the other servers.
CREATE OR REPLACE FUNCTION category_books(c category, top integer) RETURNS SETOF book LANGUAGE sql STABLE AS $$
    SELECT b.*
    FROM (
        (SELECT title_key, book_id FROM category_listing WHERE category_id = c.id AND direct
         ORDER BY title_key, book_id LIMIT top)
        UNION ALL
        (SELECT title_key, book_id FROM category_listing WHERE category_id = c.id AND NOT direct
         ORDER BY title_key, book_id LIMIT top)
        ORDER BY title_key, book_id LIMIT top
    ) AS l
    JOIN book AS b ON b.id = l.book_id
    ORDER BY l.title_key, l.book_id
$$;

CREATE OR REPLACE FUNCTION author_books(a author, top integer) RETURNS SETOF book LANGUAGE sql STABLE AS $$
    SELECT b.*
    FROM (
        SELECT title_key, book_id FROM author_listing WHERE author_id = a.id
        ORDER BY title_key, book_id LIMIT top
    ) AS l
    JOIN book AS b ON b.id = l.book_id
    ORDER BY l.title_key, l.book_id
$$;

CREATE OR REPLACE FUNCTION category_ancestors(c category) RETURNS SETOF category LANGUAGE sql STABLE AS $$
    SELECT a.*
    FROM category AS a
    WHERE a.id = ANY (c.lineage) AND a.id <> c.id
    ORDER BY cardinality(a.lineage)
$$;

CREATE OR REPLACE FUNCTION book_authors(b book) RETURNS SETOF author LANGUAGE sql STABLE AS $$
    SELECT a.*
    FROM book_author AS l
    JOIN author AS a ON a.id = l.author_id
    WHERE l.book_id = b.id
    ORDER BY l.position
$$;

CREATE OR REPLACE FUNCTION book_categories(b book) RETURNS SETOF category LANGUAGE sql STABLE AS $$
    SELECT c.*
    FROM book_category AS l
    JOIN category AS c ON c.id = l.category_id
    WHERE l.book_id = b.id
    ORDER BY c.path
$$;

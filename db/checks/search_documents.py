"""Search documents that disagree with their published book, its authors and categories, or its popularity."""

from db.statements import ReadStatement

DOCUMENTS = ReadStatement(
    "search_documents",
    """
SELECT format('book %s: %s', coalesce(book.id, s.book_id), CASE
           WHEN s.book_id IS NULL THEN 'missing' WHEN book.id IS NULL THEN 'surplus' ELSE 'other words' END
       ) AS example,
       count(*) OVER () AS wrong
FROM (
    SELECT b.id, book_document(
                     b.title, a.names, subtitle_and_series(b.subtitle, b.series), c.paths, b.description
                 ) || popularity(b.rating_count) AS document
    FROM book b
    LEFT JOIN (
        SELECT ba.book_id, string_agg(a.name, ' ' ORDER BY ba.position) AS names
        FROM book_author ba JOIN author a ON a.id = ba.author_id GROUP BY ba.book_id
    ) a ON a.book_id = b.id
    LEFT JOIN (
        SELECT bc.book_id, string_agg(k.path, ' ' ORDER BY k.path) AS paths
        FROM book_category bc JOIN category k ON k.id = bc.category_id GROUP BY bc.book_id
    ) c ON c.book_id = b.id
    WHERE b.is_published
) book
FULL JOIN book_search s ON s.book_id = book.id
WHERE s.document IS DISTINCT FROM book.document
ORDER BY coalesce(book.id, s.book_id), book.id LIMIT 5
""",
)

WORDS = ReadStatement(
    "search_words",
    """
SELECT format('word %L: missing', w.word) AS example, count(*) OVER () AS wrong
FROM ts_stat('SELECT document FROM book_search', 'ab') w
WHERE NOT EXISTS (SELECT FROM search_word s WHERE s.word = w.word)
ORDER BY w.word LIMIT 5
""",
)

# The counts are estimates: a writer skips the row of a word that another one has locked.
WORD_COUNTS = ReadStatement(
    "search_word_counts",
    """
SELECT format('word %L: %s books instead of %s, %s popular instead of %s', s.word, s.books,
              coalesce(w.books, 0), s.popular_books, coalesce(w.popular_books, 0)) AS example,
       count(*) OVER () AS wrong
FROM search_word s
LEFT JOIN counted_words('book_search', (SELECT count(*) FROM book_search)) w ON w.word = s.word
WHERE abs(s.books - coalesce(w.books, 0)) > greatest(10, coalesce(w.books, 0) / 10)
   OR abs(s.popular_books - coalesce(w.popular_books, 0)) > greatest(10, coalesce(w.popular_books, 0) / 10)
ORDER BY s.word LIMIT 5
""",
)

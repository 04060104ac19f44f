"""Redirects whose target is missing, or whose source still exists."""

from db.statements import ReadStatement

AUTHORS = ReadStatement(
    "author_redirects",
    """
SELECT format('author redirect %s to author %s: missing', r.key, r.author_id) AS example,
       count(*) OVER () AS wrong
FROM (
    SELECT slug AS key, author_id FROM author_redirect
    UNION ALL
    SELECT format('%s of %s', source_id, source), author_id FROM author_key_redirect
) r
LEFT JOIN author a ON a.id = r.author_id
WHERE a.id IS NULL
ORDER BY r.key LIMIT 5
""",
)

MERGED_AUTHORS = ReadStatement(
    "merged_authors",
    """
SELECT format('merge of author %s into author %s: %s', m.old_id, m.author_id,
              CASE WHEN a.id IS NULL THEN 'missing' ELSE format('author %s exists', m.old_id) END) AS example,
       count(*) OVER () AS wrong
FROM author_merge m
LEFT JOIN author a ON a.id = m.author_id
LEFT JOIN author o ON o.id = m.old_id
WHERE a.id IS NULL OR o.id IS NOT NULL
ORDER BY m.old_id LIMIT 5
""",
)

CATEGORIES = ReadStatement(
    "category_redirects",
    """
SELECT format('category redirect %s to category %s: missing', r.path, r.category_id) AS example,
       count(*) OVER () AS wrong
FROM category_redirect r LEFT JOIN category c ON c.id = r.category_id
WHERE c.id IS NULL
ORDER BY r.path LIMIT 5
""",
)

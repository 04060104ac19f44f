"""Limits of hits: how many books of a text are listed, ranked, and shown by relevance."""

MAX_LISTED_HITS = 5_000
"""If a text matches at most this many books, their ids are passed to later statements.

Beyond MAX_RANKED_HITS that is so only if few of them have the words in title or authors.
"""

MAX_RANKED_HITS = 2_000
"""If a text matches at most this many books, all of them are ranked."""

RANK_CANDIDATES = 400
"""Maximum number of hits that are ranked if a text matches more books: those with the most ratings.

In the whole catalog those with the words in title or authors come before all others. The rarer the text is
among popular books, the more documents must be read to find them.
"""

MAX_TITLE_CANDIDATES = 100
"""Maximum number of hits that are ranked because their title is the text, with any ratings."""

MAX_POPULAR_HITS = RANK_CANDIDATES + MAX_TITLE_CANDIDATES + 1
"""Number of popular hits that are read of a text with many: if there are as many, some book is not ranked."""

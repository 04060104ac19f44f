"""Words that say little: articles, and frequent prepositions and conjunctions, of the languages of most books."""

ARTICLES = frozenset(
    "the a an le la les l un une des der die das den dem ein eine el los las lo il i gli o os as um uma uno una"
    " de het een den det en et ett az egy".split()
)
"""Articles, folded. A leading article does not count when titles are compared."""

LIGHT_WORDS = ARTICLES | frozenset(
    "of and in to for on at by with from or is its s"
    " du et au aux en dans par pour sur d"
    " und von zu im am mit vom zur zum fur"
    " y e del al por con para di da do dei della"
    " van op met och av pa i til til fra og ja es".split()
)
"""Words that a book need not have to be what a text means, folded."""

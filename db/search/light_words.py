"""Words that say little: articles, and frequent prepositions and conjunctions, of the languages of most books."""

ARTICLES = frozenset(
    "the a an le la les l un une der die das den dem ein eine el los las il lo gli uno una de het een det et ett az"
    " egy".split()
)
"""Articles, folded. They do not count when titles are compared."""

LIGHT_WORDS = ARTICLES | frozenset(
    "of and in to for on at by with from or s"
    " d des du au aux en dans par pour sur"
    " von zu im mit vom zur zum fur und"
    " y e del al por con para i o os as di da do dei della"
    " van op met och av til fra og".split()
)
"""Words that a book need not have to be what a text means, folded."""

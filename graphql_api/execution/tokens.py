"""Tokens of a document, counted before anything is made of it."""

import re
from itertools import islice

from graphql import DocumentNode, GraphQLSyntaxError, TokenKind

from graphql_api.execution.limits import LimitExceeded, Limits

MOST_DIGITS = 1_000
"""Of a number: no field takes more than 19, and Python makes none of some thousands."""

# Comments count too: they cost as much. What is unterminated runs to the end, so that no character is
# looked at twice; the parser then says what is wrong with it.
TOKEN = re.compile(
    r'"""(?:[^"\\]|\\"""|\\|"(?!""))*+(?:"""|\Z)'
    r'|"(?:[^"\\\n\r]|\\.)*+"?'
    r"|\#[^\n\r]*+"
    r"|\.\.\.|[\w.+-]++"
    r"|[^\s,\ufeff]"
)


def require_few_tokens(text: str, limits: Limits) -> None:
    """Raise LimitExceeded if the text is too long or has too many tokens."""
    if len(text) > limits.source:
        raise LimitExceeded("MAX_SOURCE", limits.source, f"The document has {len(text):,} characters")
    # No text has more tokens than characters.
    if len(text) > limits.tokens:
        counted = sum(1 for _ in islice(TOKEN.finditer(text), limits.tokens + 1))
        if counted > limits.tokens:
            raise LimitExceeded("MAX_TOKENS", limits.tokens, "The document has too many tokens")


def require_short_numbers(document: DocumentNode) -> None:
    """Raise GraphQLSyntaxError if a number is too long to be looked at."""
    token = document.loc.start_token if document.loc else None
    while token:
        length = len(token.value or "") if token.kind in (TokenKind.INT, TokenKind.FLOAT) else 0
        if length > MOST_DIGITS and document.loc:
            problem = f"A number has {length:,} characters; at most {MOST_DIGITS:,} are read."
            raise GraphQLSyntaxError(document.loc.source, token.start, problem)
        token = token.next

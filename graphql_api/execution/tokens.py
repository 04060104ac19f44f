"""Check a document's tokens: their number before parsing, and the length of numbers after it."""

import re
from itertools import islice

from graphql import DocumentNode, GraphQLSyntaxError, Source, TokenKind

from graphql_api.execution.limits import LimitExceededError, Limits

_MAX_NUMBER_DIGITS = 1_000
"""Maximum length of a number in characters. No field accepts more than 19 digits, and Python's `int` rejects
numbers of several thousand digits."""

# Comments count as tokens: they cost as much. An unterminated string runs to the end of the text, so no
# character is scanned twice; the parser then reports the syntax error.
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\"""|\\|"(?!""))*+(?:"""|\Z)'
    r'|"(?:[^"\\\n\r]|\\.)*+"?'
    r"|\#[^\n\r]*+"
    r"|\.\.\.|[\w.+-]++"
    r"|[^\s,\ufeff]"
)


def check_token_limit(text: str, limits: Limits) -> None:
    """Raise LimitExceededError if the text is too long or has too many tokens."""
    if len(text) > limits.document_length:
        raise LimitExceededError(
            "MAX_DOCUMENT_LENGTH", limits.document_length, f"The document has {len(text):,} characters"
        )
    # No text has more tokens than characters.
    if len(text) > limits.tokens:
        excess = next(islice(_TOKEN.finditer(text), limits.tokens, None), None)
        if excess:
            problem, position = "The document has too many tokens", (Source(text), excess.start())
            raise LimitExceededError("MAX_TOKENS", limits.tokens, problem, position=position)


def check_number_lengths(document: DocumentNode) -> None:
    """Raise GraphQLSyntaxError if a number is too long to be parsed."""
    token = document.loc.start_token if document.loc else None
    while token:
        length = len(token.value or "") if token.kind in (TokenKind.INT, TokenKind.FLOAT) else 0
        if length > _MAX_NUMBER_DIGITS and document.loc:
            problem = f"A number has {length:,} characters; at most {_MAX_NUMBER_DIGITS:,} are allowed."
            raise GraphQLSyntaxError(document.loc.source, token.start, problem)
        token = token.next

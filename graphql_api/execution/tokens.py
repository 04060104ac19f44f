"""Tokens of a document, counted before anything is made of it."""

import re
from itertools import islice

from graphql_api.execution.limits import LimitExceeded, Limits

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

"""Convert HTML to plain text: blocks become lines, references are decoded once, no script survives."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

# Elements whose content is no text of the page.
_DROPPED = frozenset(
    (
        *("script", "style", "template", "noscript", "iframe", "object", "embed", "applet", "svg", "math"),
        *(
            "head",
            "title",
            "textarea",
            "select",
            "button",
            "audio",
            "video",
            "canvas",
            "noembed",
            "noframes",
            "xmp",
        ),
    )
)
_PARAGRAPHS = frozenset(
    ("p", "blockquote", "ul", "ol", "dl", "pre", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr")
)
_LINES = frozenset(
    (
        *("div", "li", "dt", "dd", "tr", "section", "article", "header", "footer", "main", "aside", "nav"),
        *("figure", "figcaption", "address", "center", "form", "fieldset", "caption", "details", "summary"),
    )
)
_INLINE = frozenset(
    (
        *(
            "a",
            "abbr",
            "acronym",
            "b",
            "bdi",
            "bdo",
            "big",
            "cite",
            "code",
            "del",
            "dfn",
            "em",
            "font",
            "i",
            "img",
        ),
        *(
            "input",
            "ins",
            "kbd",
            "label",
            "link",
            "mark",
            "meta",
            "param",
            "q",
            "ruby",
            "rt",
            "rp",
            "s",
            "samp",
        ),
        *("small", "source", "span", "strike", "strong", "sub", "sup", "tbody", "td", "tfoot", "th", "thead"),
        *("time", "tt", "u", "var", "wbr", "body", "html", "br"),
    )
)
_TAG_NAMES = "|".join(sorted(_DROPPED | _PARAGRAPHS | _LINES | _INLINE, key=len, reverse=True))
_TAG = re.compile(rf"</?(?:{_TAG_NAMES})(?=[\s/>])[^<>]*>|<!--|<!doctype\b", re.IGNORECASE)
_NO_TAG = re.compile(rf"<(?!/?(?:{_TAG_NAMES})(?=[\s/>])|!--|!doctype\b)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]+);")
_BARE_AMPERSAND = re.compile(rf"&(?!{_ENTITY.pattern[1:]})")


def is_html(text: str) -> bool:
    """Return whether the text contains a tag of HTML, or a character reference that ends in ";"."""
    return _TAG.search(text) is not None or _ENTITY.search(text) is not None


def convert_html(text: str) -> str:
    """Return HTML as plain text, and text without HTML unchanged.

    "<" that begins no element of HTML is text: "a < b", "<stdio.h>". Outside of tags, the line breaks of a text
    that has no block elements are kept.
    """
    if not is_html(text):
        return text
    has_tags = _TAG.search(text) is not None
    has_blocks = has_tags and _has_blocks(text)
    source = _BARE_AMPERSAND.sub("&amp;", _NO_TAG.sub("&lt;", text))
    body = LexborHTMLParser(source.replace("\0", "\N{REPLACEMENT CHARACTER}")).body
    if body is None:
        return ""
    return _join_parts(_iterate_parts(body, keep_lines=not has_blocks), keep_lines=not has_blocks)


_BLOCK_NAMES = "|".join(sorted(_PARAGRAPHS | _LINES | {"br"}, key=len, reverse=True))
_BLOCK = re.compile(rf"<(?:{_BLOCK_NAMES})(?=[\s/>])", re.IGNORECASE)


def _has_blocks(text: str) -> bool:
    return _BLOCK.search(text) is not None


def _iterate_parts(root: LexborNode, *, keep_lines: bool) -> Iterator[str | int]:
    """Yield the text of the nodes in order, and the number of line breaks around a block.

    It does not recurse: descriptions may be nested more deeply than Python's stack.
    """
    stack: list[LexborNode | str | int] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str | int):
            yield node
            continue
        tag = node.tag or ""
        if tag == "-text":
            content = node.text_content or ""
            yield content if keep_lines else _SPACE.sub(" ", content)
        elif tag not in _DROPPED and not tag.startswith(("-", "!")):
            before, after = _parts_around(tag)
            yield from before
            stack.extend(after)
            stack.extend(reversed(list(node.iter(include_text=True))))


_SPACE = re.compile(r"\s+")


def _parts_around(tag: str) -> tuple[tuple[str | int, ...], tuple[str | int, ...]]:
    if tag == "br":
        return ("\n",), ()
    if tag == "li":
        return (1, "- "), (1,)
    if tag in _PARAGRAPHS:
        return (2,), (2,)
    if tag in _LINES:
        return (1,), (1,)
    return ((), (" ",)) if tag in ("td", "th") else ((), ())


def _join_parts(parts: Iterator[str | int], *, keep_lines: bool) -> str:
    """Return the text with single spaces within lines and at most one blank line between them."""
    pieces: list[str] = []
    breaks = 0
    for part in parts:
        if isinstance(part, int):
            breaks = max(breaks, part)
        elif not breaks or part == "\n":
            pieces.append(part)
        elif part.strip():
            pieces.append("\n" * breaks + part)
            breaks = 0
    if keep_lines:
        return "".join(pieces).strip()
    lines = [" ".join(line.split()) for line in "".join(pieces).split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join("" if line == "-" else line for line in lines)).strip()


_BLANK_LINES = re.compile(r"\n{3,}")

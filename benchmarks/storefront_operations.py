"""The storefront's own operations, as its pages send them: each with the fragments that it uses."""

import re
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "examples" / "storefront"


def load_operations() -> dict[str, str]:
    """Return the document of each operation by its name."""
    texts = [
        path.read_text(encoding="utf-8") for path in sorted((PROJECT / "src/operations").glob("*.graphql"))
    ]
    fragments = {name: text for text in texts if (name := _name_of(text, "fragment"))}
    operations = {name: text for text in texts if (name := _name_of(text, "query"))}
    return {name: _with_fragments(text, fragments) for name, text in operations.items()}


def _name_of(text: str, kind: str) -> str:
    match = re.match(rf"{kind} (\w+)", text)
    return match[1] if match else ""


def _with_fragments(text: str, fragments: dict[str, str]) -> str:
    """Return a document with all fragments that it spreads, directly or through other fragments."""
    document, names = text, set[str]()
    while missing := set(re.findall(r"\.\.\.(\w+)", document)) - names:
        names |= missing
        document += "".join(fragments[name] for name in sorted(missing))
    return document

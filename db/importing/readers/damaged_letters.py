"""Letters that another program has damaged: it read a text in a wrong encoding. What they were is unknown."""

import re
from collections.abc import Sequence

# Damage has one of these, and few texts do. They are found in a third of the time of the pattern.
_MARKS = ("\N{REPLACEMENT CHARACTER}", "Â", "Ã", "â€")
# What UTF-8 looks like in Windows-1252 or Latin-1: "Ã©" for "é", "â€™" for "’".
_LATER_BYTES = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_DAMAGED = re.compile(f"\N{REPLACEMENT CHARACTER}|[ÂÃ][{_LATER_BYTES}]|â€[{_LATER_BYTES}]")


def has_damaged_letters(cells: Sequence[str]) -> bool:
    """Return whether a cell has the replacement character, or letters that are the bytes of UTF-8."""
    text = "".join(cells)
    if text.isascii():
        return False
    return any(mark in text for mark in _MARKS) and _DAMAGED.search(text) is not None

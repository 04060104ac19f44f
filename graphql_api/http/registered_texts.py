"""Registered texts: texts that clients have sent together with their hashes."""

import sys
from collections import OrderedDict


class RegisteredTexts:
    """A least-recently-used cache of documents' texts by their hashes, limited in entries and in bytes.

    An unknown hash leaves nothing behind.
    """

    def __init__(self, *, max_entries: int = 1_000, max_bytes: int = 2_000_000) -> None:
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.entries: OrderedDict[str, str] = OrderedDict()
        self.total_bytes = 0

    def get(self, hash_: str) -> str | None:
        text = self.entries.get(hash_)
        if text is not None:
            self.entries.move_to_end(hash_)
        return text

    def add(self, hash_: str, text: str) -> None:
        """Keep a text. The texts that were used least recently are dropped if there are too many."""
        if hash_ in self.entries:
            return
        self.entries[hash_] = text
        self.total_bytes += sys.getsizeof(text)
        while len(self.entries) > self.max_entries or self.total_bytes > self.max_bytes:
            _, dropped = self.entries.popitem(last=False)
            self.total_bytes -= sys.getsizeof(dropped)

"""The source of a plan in the making: its lines, its local names and the constants it refers to."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Source:
    """Lines of Python. Local names end in a number, names of constants never do: they cannot meet."""

    lines: list[str] = field(default_factory=list[str])
    constants: dict[str, Any] = field(default_factory=dict[str, Any])
    taken: dict[str, int] = field(default_factory=dict[str, int])
    aliases: dict[str, str] = field(default_factory=dict[str, str])

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def name(self, stem: str) -> str:
        """A local name that nothing else has."""
        number = self.taken[stem] = self.taken.get(stem, 0) + 1
        return f"{stem}_{number}"

    def constant(self, name: str, value: Any) -> str:
        """The name of a constant; the same for the same value."""
        if name[-1].isdigit():
            name += "_"
        while self.constants.get(name, value) is not value:
            name += "_"
        self.constants[name] = value
        return name

    def alias(self, key: str) -> str:
        """The name of the constant that holds a key which a client chose."""
        if key not in self.aliases:
            self.aliases[key] = self.constant(f"alias_{len(self.aliases) + 1}", key)
        return self.aliases[key]

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

"""Build the source of a plan: its lines, its local names and the constants it refers to."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class SourceBuilder:
    """Lines of Python. Local names end in a digit and names of constants never do, so they cannot collide."""

    lines: list[str] = field(default_factory=list[str])
    constants: dict[str, Any] = field(default_factory=dict[str, Any])
    _name_counts: dict[str, int] = field(default_factory=dict[str, int])
    aliases: dict[str, str] = field(default_factory=dict[str, str])

    def add_line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def new_name(self, stem: str) -> str:
        """Return a new, unique local name."""
        number = self._name_counts[stem] = self._name_counts.get(stem, 0) + 1
        return f"{stem}_{number}"

    def add_constant(self, name: str, value: Any) -> str:
        """Add a constant and return its name. The same name and value always return the same constant."""
        if name[-1].isdigit():
            name += "_"
        while self.constants.get(name, value) is not value:
            name += "_"
        self.constants[name] = value
        return name

    def alias_constant(self, key: str) -> str:
        """Return the name of the constant that holds a client's alias."""
        if key not in self.aliases:
            self.aliases[key] = self.add_constant(f"alias_{len(self.aliases) + 1}", key)
        return self.aliases[key]

    def render(self) -> str:
        return "\n".join(self.lines) + "\n"

"""A layout whose headings have other names, as in another language."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from db.importing.readers.feed import ReadingNotes
from db.importing.readers.layouts.layout import ConvertedRow, Layout, NumberedRow


def translate_layout(layout: Layout, name: str, headings: Mapping[str, str]) -> Layout:
    """Return a layout of this name. `headings` maps its folded headings to those of the other layout.

    Headings that are not in `headings` are the same in both.
    """
    own_names = {theirs: own for own, theirs in headings.items()}

    def translate_rows(rows: Iterator[NumberedRow]) -> Iterator[NumberedRow]:
        for line, row in rows:
            yield line, {**row, **{headings[own]: cell for own, cell in row.items() if own in headings}}

    def convert(rows: Iterator[NumberedRow], notes: ReadingNotes) -> Iterator[ConvertedRow]:
        return layout.convert(translate_rows(rows), notes)

    def find_parents(rows: Iterator[NumberedRow]) -> Iterator[tuple[int, int]]:
        return layout.find_parents(translate_rows(rows)) if layout.find_parents else iter(())

    return replace(
        layout,
        name=name,
        requires=frozenset(own_names.get(each, each) for each in layout.requires),
        columns={own_names.get(each, each): field for each, field in layout.columns.items()},
        convert=convert,
        find_parents=find_parents if layout.find_parents else None,
    )

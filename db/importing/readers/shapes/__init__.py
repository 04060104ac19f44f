"""Shapes of JSON objects that other programs write. Each is a module with one Shape."""

from db.importing.readers.shapes import google_books, schema_org
from db.importing.readers.shapes.shape import Shape

__all__ = ["SHAPES", "Shape", "flatten_object"]

SHAPES = (google_books.SHAPE, schema_org.SHAPE)


def flatten_object(value: dict[str, object]) -> dict[str, object]:
    """Return an object of a known shape as a flat record, and another object as it is."""
    for shape in SHAPES:
        if shape.key in value and shape.matches(value):
            return shape.flatten(value)
    return value

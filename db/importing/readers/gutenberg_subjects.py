"""Read the subjects of Project Gutenberg's works: Library of Congress headings and classes, as paths."""

from dataclasses import dataclass, field
from pathlib import Path

from db.importing import field_parsers
from db.importing.field_parsers import CategoryPath, FieldError
from db.importing.readers.csv_tables import read_complete_rows
from db.importing.readers.files import BytesRead

SUBJECT_COLUMNS = ("gutenberg_id", "subject_type", "subject")

_CLASSIFICATION = "Library of Congress Classification"

CLASSES = {
    "A": "A: General works",
    "B": "B: Philosophy, psychology, religion",
    "C": "C: Auxiliary sciences of history",
    "D": "D: World history",
    "E": "E: History of the Americas and the United States",
    "F": "F: Local history of the Americas",
    "G": "G: Geography, anthropology, recreation",
    "H": "H: Social sciences",
    "J": "J: Political science",
    "K": "K: Law",
    "L": "L: Education",
    "M": "M: Music",
    "N": "N: Fine arts",
    "P": "P: Language and literature",
    "Q": "Q: Science",
    "R": "R: Medicine",
    "S": "S: Agriculture",
    "T": "T: Technology",
    "U": "U: Military science",
    "V": "V: Naval science",
    "Z": "Z: Bibliography, library science",
}


@dataclass(slots=True)
class Subjects:
    """The category paths and errors of every work. Equal paths share one object."""

    paths: dict[str, list[CategoryPath]] = field(default_factory=dict[str, list[CategoryPath]])
    faults: dict[str, list[FieldError]] = field(default_factory=dict[str, list[FieldError]])

    def paths_and_faults(self, work: str) -> tuple[list[CategoryPath], list[FieldError]]:
        return self.paths.get(work, []), self.faults.get(work, [])


def read_subjects(path: Path, bytes_read: BytesRead) -> Subjects:
    subjects = Subjects()
    parsed: dict[tuple[str, str], CategoryPath] = {}
    names: dict[str, str] = {}
    for work, subject_type, subject in read_complete_rows(path, SUBJECT_COLUMNS, bytes_read):
        path_names = parsed.get((subject_type, subject))
        if path_names is None:
            try:
                path_names = subject_path(subject_type, subject)
            except FieldError as error:
                subjects.faults.setdefault(work.strip(), []).append(error)
                continue
            path_names = parsed[subject_type, subject] = tuple(
                names.setdefault(name, name) for name in path_names
            )
        subjects.paths.setdefault(work.strip(), []).append(path_names)
    return subjects


def subject_path(subject_type: str, subject: str) -> CategoryPath:
    """Return the path of a heading ("Dogs -- Fiction") or of a class ("PR" under its main class).

    Some headings lack a space before or after the dashes.
    """
    if subject_type == "lcsh":
        return field_parsers.parse_category_path(
            [part for part in subject.split("--") if part.strip()] or [""]
        )
    if subject_type == "lcc":
        code = subject.strip()
        main = CLASSES.get(code[:1])
        if main is None:
            raise FieldError("subject", subject, "not a class of the Library of Congress")
        return field_parsers.parse_category_path([_CLASSIFICATION, main, *([code] if len(code) > 1 else [])])
    raise FieldError("subject_type", subject_type, "neither lcsh nor lcc")

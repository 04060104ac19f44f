"""The subjects of Project Gutenberg's works: headings and classes of the Library of Congress, as paths."""

from dataclasses import dataclass, field
from pathlib import Path

from db.importing import fields
from db.importing.fields import CategoryPath, FieldError
from db.importing.readers.files import Progress
from db.importing.readers.tables import whole_rows

SUBJECT_COLUMNS = ("gutenberg_id", "subject_type", "subject")

CLASSIFICATION = "Library of Congress Classification"

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
    """The category paths of every work, each path kept once; the files need not be sorted."""

    paths: dict[str, list[CategoryPath]] = field(default_factory=dict[str, list[CategoryPath]])
    faults: dict[str, list[FieldError]] = field(default_factory=dict[str, list[FieldError]])

    def of(self, work: str) -> tuple[list[CategoryPath], list[FieldError]]:
        return self.paths.get(work, []), self.faults.get(work, [])


def read_subjects(path: Path, progress: Progress) -> Subjects:
    subjects = Subjects()
    known: dict[tuple[str, str], CategoryPath] = {}
    names: dict[str, str] = {}
    for work, kind, subject in whole_rows(path, SUBJECT_COLUMNS, progress):
        found = known.get((kind, subject))
        if found is None:
            try:
                found = subject_path(kind, subject)
            except FieldError as error:
                subjects.faults.setdefault(work.strip(), []).append(error)
                continue
            found = known[kind, subject] = tuple(names.setdefault(name, name) for name in found)
        subjects.paths.setdefault(work.strip(), []).append(found)
    return subjects


def subject_path(kind: str, subject: str) -> CategoryPath:
    """The path of a heading ("Dogs -- Fiction") or of a class ("PR" under its main class).

    Some headings lack a space beside the dashes.
    """
    if kind == "lcsh":
        return fields.category_path([part for part in subject.split("--") if part.strip()] or [""])
    if kind == "lcc":
        code = subject.strip()
        main = CLASSES.get(code[:1])
        if main is None:
            raise FieldError("subject", subject, "not a class of the Library of Congress")
        return fields.category_path([CLASSIFICATION, main, *([code] if len(code) > 1 else [])])
    raise FieldError("subject_type", kind, "neither lcsh nor lcc")

"""What an import did."""

from dataclasses import dataclass

from db.importing.merge import NO_CHANGES, MergeCounts
from db.importing.ownership import KeptField
from db.importing.plan import Plan


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of what an import did, or would have done with `dry_run`.

    `read` is the sum of `new`, `changed`, `unchanged`, `rejected` and `skipped` books. A book whose links
    changed counts as changed. `number` is that of the import in the journal. `plan` has the changes by field,
    with examples. `phases` are the seconds per step. `kept_rejects_file` is true if the rejects were not written,
    since a dry run read their file.
    """

    plan: Plan
    dry_run: bool
    number: int
    read: int
    merged: MergeCounts
    rebuilt: tuple[str, ...]
    phases: tuple[tuple[str, float], ...]
    seconds: float
    peak_memory_mb: float
    kept_rejects_file: bool = False

    @property
    def source(self) -> str:
        return self.plan.source

    @property
    def new(self) -> int:
        return self.plan.counts.new

    @property
    def changed(self) -> int:
        return self.plan.counts.changed

    @property
    def unchanged(self) -> int:
        return self.plan.unchanged

    @property
    def rejected(self) -> int:
        return self.plan.rejected

    @property
    def skipped(self) -> int:
        """Rows of books that are not in the catalog, with `--update-only`."""
        return self.plan.skipped

    @property
    def dropped_values(self) -> int:
        """Invalid values; their books were imported without them."""
        return self.plan.dropped_values

    @property
    def missing_from_feed(self) -> int:
        """Books of this source that are not in the feed, with those that were deleted or unpublished."""
        return self.plan.counts.missing_from_feed

    @property
    def missing_kept(self) -> int:
        """Books that are not in the feed and stay as they are."""
        return self.missing_from_feed - self.plan.deleted - self.plan.unpublished

    @property
    def kept(self) -> tuple[KeptField, ...]:
        return self.plan.kept

    @property
    def changed_nothing(self) -> bool:
        return not (self.new or self.plan.touched or self.merged != NO_CHANGES)

    @property
    def imported_nothing(self) -> bool:
        """Whether no row of the feed is a book of the catalog now, and no book was deleted."""
        return not (self.plan.counts.staged or self.plan.deleted)

"""The folder of a study of chips: counts by chunk, and the bench that they are of."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.recorded import load_recorded_bench
from crossbar_hil.studies.axes import Axis
from crossbar_hil.studies.convergence.counts import Counts
from crossbar_hil.studies.folder import GIVEN, StudyFolder
from crossbar_hil.studies.study import Work, lay_out_again


class ChipStudyFolder(StudyFolder[Counts]):
    """The folder of a study of chips, with the bench that they are of."""

    holds = Counts

    @classmethod
    def make(cls, path: Path, plan: Mapping[str, Any], bench: Bench) -> Self:
        """Make a new folder with the bench file and the files that it names in it.

        Raises
        ------
        RunError
            If it exists already or cannot be made.
        """

        def give(folder: Path) -> None:
            (folder / GIVEN).mkdir()
            bench.copy_into(folder / GIVEN)

        return cls.begin(path, plan, give)

    @property
    def bench(self) -> Bench:
        """The bench that the study was begun with."""
        return load_recorded_bench(self.path / GIVEN)

    def lay_out_again(self, kind: str, lay_out: Callable[..., Work], axes: str) -> Work:
        """Lay out the study of a kind again, as from its bench, the axes that its plan has by a name, and its numbers.

        Raises
        ------
        RunError
            If the plan is damaged, or what was given was changed since.
        """

        def again(plan: Mapping[str, Any]) -> Work:
            numbers = {name: plan[name] for name in ("chips", "seed", "drifts", "chunk")}
            return lay_out(self.bench, [Axis.from_record(each) for each in plan[axes]], **numbers)

        return lay_out_again(self, kind, again)

"""What was foretold of the runs in a folder, beside what then happened."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crossbar_hil.runs.store import list_facts
from crossbar_hil.twins.tally import Foretold


def foretold_runs(out: Path, kind: str | None = None) -> list[Foretold]:
    """Return the prediction and the outcome of every run that was foretold and has ended.

    Parameters
    ----------
    out : Path
        Folder that holds run folders.
    kind : str, optional
        Only runs on devices of this kind.
    """
    return list(_told(out, kind))


def _told(out: Path, kind: str | None) -> Iterator[Foretold]:
    for facts in list_facts(out):
        forecast = facts.get("forecast")
        if facts.get("status") != "done" or not isinstance(forecast, Mapping) or "epochs_mean" not in forecast:
            continue
        if not forecast.get("counts", True):
            continue  # by the twin of another bench
        if kind is None or facts["kind"] == kind:
            yield _of_run(facts, forecast)


def _of_run(facts: Mapping[str, Any], forecast: Mapping[str, Any]) -> Foretold:
    return Foretold(
        probability=float(forecast.get("probability", forecast["share"])),
        happened=bool(facts["converged"]),
        epochs_predicted=float(forecast["epochs_mean"]),
        epochs=float(facts["epochs"]),
        pulses_predicted=float(forecast["pulses_mean"]),
        pulses=float(facts["pulses"]),
    )

"""What the chip of a recorded run says of patterns, beside what was wanted."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import DeviceBackend
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.confidence import wilson
from crossbar_hil.errors import DataError, RunError
from crossbar_hil.guard.opening import EMULATED_STATE, open_guarded, session_folder
from crossbar_hil.results.arrays import Variable
from crossbar_hil.results.result import Result, Series
from crossbar_hil.runs.run import Run
from crossbar_hil.screen.view import Phase, no_phase
from crossbar_hil.survey.lines import Lines
from crossbar_hil.text import counted
from crossbar_hil.training.fresh import reads_wanted
from crossbar_hil.training.patterns import PatternSet, as_text
from crossbar_hil.training.prediction import UNDECIDED, contradictory_pairs
from crossbar_hil.training.result import Epoch
from crossbar_hil.training.settings import make_trainer


@dataclass(frozen=True, slots=True)
class Line:
    """One pattern."""

    pattern: str
    label: str
    says: str
    """One letter an output: 1, 0, or ? for undecided."""
    activations: list[float]
    """On average over the reads."""
    verdict: str
    """``right``, ``wrong`` (an output has the wrong bit) or ``undecided``."""
    same: int = 1
    """Reads that give this answer; it is the most frequent one, of several the earliest."""


@dataclass(frozen=True, slots=True, repr=False)
class Answer(Result):
    """All patterns, and what they amount to."""

    run: str
    kind: str
    lines: list[Line]
    reachable: int
    """How many patterns can be right at the same time, as far as complements tell."""
    reads: int = 1
    """Of each pattern."""

    @property
    def correct(self) -> int:
        """How many patterns are right in every output."""
        return sum(line.verdict == "right" for line in self.lines)

    @property
    def summary(self) -> str:
        """One or two sentences."""
        counts = {verdict: sum(line.verdict == verdict for line in self.lines) for verdict in ("wrong", "undecided")}
        text = f"{self.correct} of {len(self.lines)} right, {counts['wrong']} wrong, {counts['undecided']} undecided."
        if self.reachable < len(self.lines):
            text += (
                f" At most {self.reachable} can be right: without a bias the activations of a pattern and of its "
                "complement are each other's negative, and some labels contradict that."
            )
        return text if self.reads == 1 else f"{text} {self._steadiness}"

    @property
    def _steadiness(self) -> str:
        steady = sum(line.same == self.reads for line in self.lines)
        least = min(self.lines, key=lambda line: line.same)
        text = f"In {self.reads} reads {steady} of {len(self.lines)} patterns got the same answer each time"
        if least.same == self.reads:
            return f"{text}."
        low, high = wilson(least.same, self.reads)
        return (
            f"{text}; least sure is {least.pattern} with {least.same} of {self.reads} "
            f"(95 % interval {100 * low:.0f} to {100 * high:.0f} %)."
        )

    def told(self) -> list[tuple[str, str]]:
        """Return how many patterns are right."""
        return [("patterns", self.summary), ("run", self.run), ("device", self.kind)]

    def series(self) -> Series:
        """Return one line a pattern."""
        outputs = len(self.lines[0].activations)
        header = [
            "Pattern",
            "Wanted",
            "Says",
            *(f"Activation o{each + 1}" for each in range(outputs)),
            "Verdict",
            "Same",
        ]
        return Series(
            header,
            ([each.pattern, each.label, each.says, *each.activations, each.verdict, each.same] for each in self.lines),
        )

    def variables(self) -> dict[str, Variable]:
        """Return mean activations and verdicts of all patterns."""
        activations = np.array([each.activations for each in self.lines])
        verdicts = {name: np.array([each.verdict == name for each in self.lines]) for name in ("right", "undecided")}
        return {
            "activation": Variable(("pattern", "output"), activations, "1", "tanh(beta I), mean of the reads"),
            "bits": Variable(("pattern",), np.array([each.pattern for each in self.lines]), "1", "input bits"),
            "wanted": Variable(("pattern",), np.array([each.label for each in self.lines]), "1", "wanted output bits"),
            "says": Variable(
                ("pattern",), np.array([each.says for each in self.lines]), "1", "bits that the chip says"
            ),
            "same": Variable(("pattern",), np.array([each.same for each in self.lines]), "1", "reads with this answer"),
            **{name: Variable(("pattern",), given, "1", f"answer is {name}") for name, given in verdicts.items()},
            "pattern": Variable(("pattern",), np.arange(len(self.lines)), "1", "number of the pattern, from 0"),
            "output": Variable(("output",), np.arange(activations.shape[1]), "1", "number of the output, from 0"),
        }

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {**asdict(self), "correct": self.correct, "summary": self.summary}


def judge_patterns(
    run: Run,
    state: dict[str, FloatArray],
    task: PatternSet,
    patterns: Path | None = None,
    *,
    repeat: int | None = None,
    epochs: Sequence[Epoch] = (),
    phase: Phase = no_phase,
) -> Answer:
    """Bring back the chip of a training as it was left and let it judge patterns; reads only.

    Parameters
    ----------
    run : Run
        A recorded training.
    state : dict
        A virtual chip at its end, as its backend recorded it; empty if it did not.
    task : PatternSet
        What was learnt, whose test patterns are judged if there are no others.
    patterns : Path, optional
        Pattern file, of which every pattern is judged.
    repeat : int, optional
        Reads of each pattern; as many as fresh reads after a training if not given, and at least one.
    epochs : sequence of Epoch
        Of the training, which may show that readings vary.
    phase : callable
        Told before the chip is opened.

    Raises
    ------
    RunError
        If the chip was not recorded.
    DataError
        If there is no pattern to judge, or they are not as wide as those that were learnt; nothing was opened.
    """
    bits, labels = task.test, task.test_labels
    if patterns is not None:
        judged = PatternSet.from_csv(patterns)
        bits = np.concatenate([judged.train, judged.test])
        labels = np.concatenate([judged.train_labels, judged.test_labels])
    if not len(bits):
        raise DataError(f"run {run.name} has no test patterns; name a pattern file")
    for what, wide, learnt in (
        ("patterns", bits.shape[1], task.train.shape[1]),
        ("labels", labels.shape[1], task.train_labels.shape[1]),
    ):
        if wide != learnt:
            raise DataError(f"{what} have {counted(wide, 'bit')}, run {run.name} learnt {what} of {learnt}")
    phase("opening the chip as training left it, and reading it", brief=run.kind == "simulated")
    with _open_chip(run, state) as backend:
        if backend.kind != run.kind:
            raise RunError(f"run {run.name} is of kind {run.kind}, but its bench now opens a {backend.kind} device")
        known = run.facts.get("lines")
        where = None if known is None else Lines.from_record(known, backend.shape)
        trainer = make_trainer(run.bench.training, backend, lines=where)
        trainer.inputs, trainer.outputs = task.train.shape[1], task.train_labels.shape[1]
        reads = max(reads_wanted(repeat, backend.noisy, epochs), 1)
        predictions = [trainer.predict(bits) for _ in range(reads)]
    lines = []
    means = np.mean([each.activations for each in predictions], axis=0)
    for place, (pattern, label, activations) in enumerate(zip(bits, labels, means, strict=True)):
        answers = Counter(tuple(each.outputs[place].tolist()) for each in predictions)
        said, same = answers.most_common(1)[0]
        outputs = np.array(said)
        wrong = ((outputs != label) & (outputs != UNDECIDED)).any()
        verdict = "wrong" if wrong else "right" if (outputs == label).all() else "undecided"
        says = "".join("?" if output == UNDECIDED else str(int(output)) for output in outputs)
        lines.append(
            Line(as_text(pattern), as_text(label), says, [float(value) for value in activations], verdict, same)
        )
    odd = trainer.v0 == -trainer.v1 and not trainer.arrangement.bias
    contradictions = contradictory_pairs(bits, labels) if odd else []
    return Answer(run.name, run.kind, lines, len(bits) - len(contradictions), reads)


def _open_chip(run: Run, state: dict[str, FloatArray]) -> DeviceBackend:
    """Open the chip of a run as training left it: a virtual one from the record, an emulated one from its own file."""
    bench, seed = run.bench, run.facts["seed"]
    if bench.instruments:
        folder = session_folder()
        left = run.folder / EMULATED_STATE
        if left.exists():
            shutil.copy(left, folder)  # a look at the chip does not touch the run
        return open_guarded(bench, seed=seed, folder=folder)
    if not state and run.kind != "hardware":
        raise RunError(f"the chip of run {run.name} was not recorded by its backend, so it cannot be brought back")
    backend = open_backend(bench, seed=seed)
    backend.restore(state)
    return backend

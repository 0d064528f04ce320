"""In-situ training: evaluate all patterns, pulse what the learning rule says, repeat."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil import defaults
from crossbar_hil.arguments import COUNT, FLAG, FUNCTION, NUMBER, expect, is_number
from crossbar_hil.arrays import FloatArray, IntArray, checked_bits
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.errors import DataError
from crossbar_hil.training.acting import act_on_all, act_on_each
from crossbar_hil.training.activation import Tanh
from crossbar_hil.training.asking import Asked, Rule, as_rule, check_rule, check_seed, most_in_epoch
from crossbar_hil.training.confirmation import CONFIRM
from crossbar_hil.training.encoding import row_voltages, target_activations
from crossbar_hil.training.evaluating import Evaluator, OneLayer
from crossbar_hil.training.learnable import check_learnable_by
from crossbar_hil.training.lines.arrangement import PLAIN, Arrangement, Layer
from crossbar_hil.training.lines.pairs import difference
from crossbar_hil.training.motion import Motion
from crossbar_hil.training.network import Network, Read, check_goes_by_deltas, pass_through
from crossbar_hil.training.patterns import as_text
from crossbar_hil.training.prediction import Prediction
from crossbar_hil.training.result import Epoch, TrainingResult, met_at_last
from crossbar_hil.training.rules.manhattan import manhattan_signs
from crossbar_hil.training.updates import Pulses, Update, no_pulses

BEYOND_FLAT = 2
"""Pulses without a reaction beyond the longest flat stretch of the curve: one leaves it, one is to spare."""
MOST_BETA = 1e300
"""A gain beyond this, in 1/A, would overflow in the gradient."""


class Trainer:
    """Train the chip behind a backend until every activation meets its target.

    Epoch n, counted from 1, evaluates all patterns. If every target is met no pulse is sent; training ends once
    `confirm` evaluations in a row have met them all. It also ends when nothing can move any more, and at epoch number
    `epochs`. After the last evaluation no pulse is sent, so the chip is left in the very state that was evaluated and
    recorded.

    Nothing can move any more when the update would pulse no cell, or only cells at the end of their curve or found
    unresponsive. Where readings are known to repeat, this very epoch is then the last; else, or where a rule keeps
    state or draws, the last of `IDLE` such epochs in a row, or of `confirm` if that is more. That such a rule asks for
    no pulse ends nothing.

    Parameters
    ----------
    backend : DeviceBackend
        The chip; its column count must be even.
    pulse : Pulse
        The one pulse that is sent.
    beta : float
        Gain of the activation, in 1/A.
    target : float
        A label 1 is met by an activation of at least this; below 1, which tanh never reaches.
    target0 : float, optional
        A label 0 is met by an activation of at most this; ``-target`` if not given.
    epochs : int
        Most evaluations.
    v0, v1 : float
        Row voltage of a 0 and of a 1, in volts.
    rule : callable or LearningRule
        Function ``(voltages (P, R), deltas (P, N)) -> signs (R, N)``, or a
        `crossbar_hil.training.rules.rule.LearningRule`, of which every training works on a fresh copy.
    pull_back : bool
        Whether an activation that is beyond its target is pulled back to it, as equation 3 of the papers has it; if
        not, it counts as met and has no part in the gradient.
    dead_zone : float
        An activation nearer to its target than this has no part in the gradient: against noise of the reads.
    update : Update, optional
        How signs become pulses; one `pulse` a synapse if not given. Replaces `pulse`.
    confirm : int, optional
        Evaluations in a row that must meet every target. If not given, 1, and `CONFIRM` where the backend says that
        its readings are noisy: then one evaluation that meets them all may be luck.
    give_up : bool, optional
        Whether training ends when nothing can move any more. If not given it does so, but not with `pull_back`: a
        transcription of the papers goes on to the last epoch.
    unresponsive : int, optional
        A cell that did not react to so many pulses in a row gets no more, or to as many as it takes to tell from noise
        (`crossbar_hil.training.reactions`) and from the longest flat stretch of its curve, where that is known; 0 for
        never. If not given, 10, and 0 with `pull_back`.
    seed : int, optional
        Of the run; needed by a rule that draws (`crossbar_hil.training.rules.draws`).
    number : int
        Of the chip in an ensemble, 0 in a run: each chip has draws of its own.
    check_labels : bool
        Whether labels are refused that no chip of cells that follow Ohm's law can learn without a bias
        (`crossbar_hil.training.learnable`).
    arrangement : Arrangement, optional
        Hidden units, bias and shortcuts of a network of several layers, and how they lie on the array; one layer that
        takes the whole array if not given.

    Raises
    ------
    DataError
        If a setting is outside its range; nothing was sent.
    """

    def __init__(
        self,
        backend: DeviceBackend,
        *,
        pulse: Pulse | None = None,
        beta: float = defaults.BETA,
        target: float = defaults.TARGET,
        target0: float | None = None,
        epochs: int = defaults.EPOCHS,
        v0: float = defaults.V0,
        v1: float = defaults.V1,
        rule: Rule = manhattan_signs,
        pull_back: bool = defaults.PULL_BACK,
        dead_zone: float = 0.0,
        update: Update | None = None,
        confirm: int | None = None,
        give_up: bool | None = None,
        unresponsive: int | None = None,
        check_labels: bool = True,
        seed: int | None = None,
        number: int = 0,
        arrangement: Arrangement = PLAIN,
    ) -> None:
        expect(DeviceBackend, backend=backend)
        expect(Pulse, optional=True, pulse=pulse)
        expect(Update, optional=True, update=update)
        expect(Arrangement, arrangement=arrangement)
        expect(NUMBER, beta=beta, target=target, v0=v0, v1=v1, dead_zone=dead_zone)
        expect(NUMBER, optional=True, target0=target0)
        expect(FLAG, pull_back=pull_back, check_labels=check_labels)
        expect(FLAG, optional=True, give_up=give_up)
        expect(FUNCTION, rule=rule)
        expect(COUNT, optional=True, seed=seed)
        expect(COUNT, number=number)
        check_rule(rule)
        self.backend = backend
        if update is None:
            update = Update(Pulse(defaults.PULSE_V, defaults.PULSE_S) if pulse is None else pulse)
        elif pulse is not None and pulse != update.pulse:
            raise DataError(f"pulse of {pulse} is not that of the update, {update.pulse}; give one of the two")
        self.update = replace(update, one_cell=True) if as_rule(rule).one_cell else update
        self.pulse = update.pulse
        self.pull_back = pull_back
        self.dead_zone = dead_zone
        self.beta = beta
        self.target = target
        self.target0 = -target if target0 is None else target0
        self.epochs = epochs
        self.v0 = v0
        self.v1 = v1
        self.rule = rule
        self.check_labels = check_labels
        self.seed, self.number = seed, number
        self.arrangement = arrangement
        check_goes_by_deltas(rule, self.arrangement)
        self.inputs: int | None = None
        """Bits of a pattern of a network; those of the task that was looked at last."""
        self.outputs: int | None = None
        """Outputs of a network; likewise."""
        self._confirm = confirm
        self._motion: Motion | None = None  # of the training under way, or the last one
        self.give_up = not pull_back if give_up is None else give_up
        self._unresponsive = (0 if pull_back else defaults.UNRESPONSIVE) if unresponsive is None else unresponsive
        self._check()

    @classmethod
    def from_bench(cls, backend: DeviceBackend) -> "Trainer":
        """Make the trainer that ``[training]`` of a bench file describes.

        Its `run` takes the patterns of the bench file if it is given none.

        Parameters
        ----------
        backend : DeviceBackend
            What `crossbar_hil.open_bench` returned.

        Raises
        ------
        DataError
            If the backend was not opened from a bench file.

        Examples
        --------
        >>> from crossbar_hil import open_bench
        >>> with open_bench("simulated", seed=1) as backend:
        ...     Trainer.from_bench(backend).run().converged
        True
        """
        expect(DeviceBackend, backend=backend)
        if backend.training is None:
            raise DataError(
                f"{type(backend).__name__} was not opened from a bench file, so no [training] describes its trainer; "
                "open it by open_bench, or give Trainer its settings"
            )
        return backend.training.make_trainer(backend)

    @property
    def confirm(self) -> int:
        """Evaluations in a row that must meet every target."""
        if self._confirm is not None:
            return self._confirm
        return CONFIRM if self.backend.noisy else 1

    @property
    def unresponsive(self) -> int:
        """Pulses in a row without a reaction after which a cell gets no more; 0 for never."""
        flat = self._flat_pulses
        return max(self._unresponsive, flat + BEYOND_FLAT) if flat else self._unresponsive

    @property
    def _flat_pulses(self) -> int | None:
        """Most pulses in a row that change nothing on the curve; None if that is not known, or does not matter."""
        if not self._unresponsive:
            return None
        found = [self.backend.flat_pulses(pulse) for pulse in self.update.pulses()]
        known = [each for each in found if each is not None]
        return max(known) if len(known) == len(found) else None

    def _check(self) -> None:
        self._check_pairs()
        if not 0 < self.beta <= MOST_BETA:
            raise DataError(f"beta {self.beta} per ampere must be above zero and at most {MOST_BETA:g}")
        if not -1 < self.target < 1:
            raise DataError(f"target {self.target} must lie between -1 and 1, the values that tanh takes")
        if not -1 < self.target0 < 1:
            raise DataError(f"target0 {self.target0} must lie between -1 and 1, the values that tanh takes")
        if not self.target0 < self.target:
            raise DataError(f"target0 {self.target0} must be below target {self.target}, or the labels overlap")
        if not 0 <= self.dead_zone < 2:
            raise DataError(f"dead_zone {self.dead_zone} must be from 0 to below 2, the span of tanh")
        for name, value, least in (
            ("epochs", self.epochs, 1),
            ("confirm", 1 if self._confirm is None else self._confirm, 1),
            ("unresponsive", self._unresponsive, 0),
        ):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                raise DataError(f"{name} {value} must be a whole number of at least {least}")
        if self.confirm > self.epochs:
            if self._confirm is None:
                raise DataError(
                    f"{self.epochs} epochs are too few: with read noise {self.confirm} evaluations in a row must meet "
                    f"every target; allow at least {self.confirm} epochs, or set confirm yourself"
                )
            raise DataError(
                f"confirm {self._confirm} evaluations in a row cannot be had in {self.epochs} epochs; allow more epochs"
            )
        if not (is_number(self.v0) and is_number(self.v1)) or self.v0 == self.v1:
            raise DataError(f"v0 {self.v0} V and v1 {self.v1} V must be finite and differ")

    def _check_pairs(self) -> None:
        rows, columns = self.backend.shape
        if columns % 2 and self.arrangement.pairs == "columns":
            raise DataError(
                f"column count {columns} is odd; an output is the difference of two columns, so leave one out"
            )
        if rows % 2 and self.arrangement.pairs == "rows":
            raise DataError(f"row count {rows} is odd; an input with pairs of rows takes two of them, so leave one out")
        if self.arrangement.bias and self.v1 == 0:
            raise DataError("a bias is at the voltage of a 1, and v1 is 0 V; give another v1, or no bias")

    def run(self, patterns: ArrayLike | None = None, labels: ArrayLike | None = None) -> TrainingResult:
        """Train to the end and return the whole record.

        Parameters
        ----------
        patterns : array_like of int, shape (P, R)
            Input bits.
        labels : array_like of int, shape (P, N)
            Wanted output bits, N = C / 2. Without patterns and labels, those of the bench file that the backend was
            opened from.

        Returns
        -------
        TrainingResult
            Also when training did not converge: that is a result, not an error.

        Raises
        ------
        DataError
            If patterns or labels do not fit the chip, or there are none; nothing was sent.
        """
        if patterns is None and labels is None:
            if self.backend.training is None:
                raise DataError("there is nothing to learn: give run patterns and labels")
            patterns, labels = self.backend.training.task.train, self.backend.training.task.train_labels
        if patterns is None or labels is None:
            raise DataError("patterns go with labels; give run both of them")
        bits, wanted = self._begin(patterns, labels)
        return self._gather(bits, wanted, list(self._epochs(bits, wanted)))

    def result(self, patterns: ArrayLike, labels: ArrayLike, epochs: list[Epoch]) -> TrainingResult:
        """Gather the epochs that `iterate` gave, all or some of them, into a result."""
        return self._gather(*self.check_task(patterns, labels), epochs)

    def _gather(self, patterns: IntArray, labels: IntArray, epochs: list[Epoch]) -> TrainingResult:
        return TrainingResult.from_epochs(
            epochs,
            patterns=patterns,
            labels=labels,
            target0=self.target0,
            target=self.target,
            saturated=self.backend.saturated_cells(),
            confirm=self.confirm,
            pull_back=self.pull_back,
            repeats=as_rule(self.rule).repeats,
            arrangement=self.arrangement,
            unresponsive=None if self._motion is None else self._motion.unresponsive,
        )

    def has_converged(self, epochs: Sequence[Epoch]) -> bool:
        """Say whether the last of a training's epochs have met every target, as many in a row as are asked for."""
        return met_at_last(epochs) >= self.confirm

    def has_ended(self, epochs: Sequence[Epoch]) -> bool:
        """Say whether a training ends with the last of its epochs."""
        return bool(epochs) and (len(epochs) == self.epochs or bool(epochs[-1].given_up) or self.has_converged(epochs))

    def iterate(self, patterns: ArrayLike, labels: ArrayLike) -> Iterator[Epoch]:
        """Train epoch by epoch, handing out each one after its pulses were sent.

        Leaving the loop early leaves the chip as the last epoch left it.

        Raises
        ------
        DataError
            If patterns or labels do not fit the chip; nothing was sent.
        """
        bits, wanted = self._begin(patterns, labels)
        return self._epochs(bits, wanted)

    def _begin(self, patterns: ArrayLike, labels: ArrayLike) -> tuple[IntArray, IntArray]:
        """Check a task, and say which settings of the bench file this trainer ignores, though nobody chose others."""
        task = self.check_task(patterns, labels)
        check_seed(self.rule, self.seed)
        file = self.backend.training
        ignored = [] if file is None else file.ignored_by(self)
        if ignored:
            warnings.warn(
                f"this trainer ignores [training] of bench {file.bench}: {'; '.join(ignored)}; "
                "Trainer.from_bench(backend) takes it",
                stacklevel=3,
            )
        return task

    def _epochs(self, bits: IntArray, labels: IntArray) -> Iterator[Epoch]:
        backend, update = self.backend, self.update
        evaluator = self._evaluator(bits, labels.shape[1])
        targets = target_activations(labels, self.target0, self.target)
        senses = 2.0 * labels - 1.0
        read_v, nothing = self._read_v, np.array(0.0)
        nothing_sent = Pulses(no_pulses(backend.shape), no_pulses(backend.shape))
        confirm, met = self.confirm, 0
        unresponsive, known = self.unresponsive, self._flat_pulses is not None
        most, repeats = most_in_epoch(self.rule, update, len(bits)), as_rule(self.rule).repeats
        how: dict[str, Any] = {"give_up": self.give_up, "known_curve": known, "most": most, "repeats": repeats}
        self._motion = motion = (
            Motion(backend, update, unresponsive, confirm, **how) if self.give_up or unresponsive else None
        )

        def aim(pattern: int, activations: FloatArray) -> tuple[FloatArray, FloatArray]:
            some = slice(pattern, pattern + 1)
            return targets[some], self._gaps(targets[some] - activations, senses[some])

        for number in range(1, self.epochs + 1):
            evaluated = evaluator.read(backend)
            activations = evaluated.layers[-1].activations
            gaps = targets - activations
            shortfalls = np.maximum(senses * gaps, nothing)
            error = float(np.add.reduce(shortfalls, axis=None))
            met = 0 if error else met + 1
            last = met == confirm or number == self.epochs
            sent, given_up = nothing_sent, ""
            if motion is not None:
                motion.read(evaluated.conductances)
            if not last and error:
                how_to = (backend, evaluator, update, motion, evaluated)
                if evaluator.acts == "all":
                    gaps = self._gaps(gaps, senses, shortfalls)
                    sent = act_on_all(*how_to, targets, gaps, read_v) or nothing_sent
                else:
                    sent = act_on_each(*how_to, aim, read_v)
                given_up = "" if motion is None else motion.given_up
                last = bool(given_up)
            if motion is not None:
                motion.sent.append(sent)
            currents, conductances, _ = evaluated
            yield Epoch(number, conductances, currents, activations, shortfalls, error, *sent, given_up)
            if last:
                return

    @property
    def _read_v(self) -> float:
        """Voltage of the reads of single cells, and of a hidden unit whose activation is 1; in volts."""
        return max(abs(self.v0), abs(self.v1))

    def layers(self, bits: int, outputs: int) -> tuple[Layer, ...]:
        """Lay the layers for patterns and labels of so many bits on this chip; a DataError if they do not fit."""
        return self.arrangement.fit(self.backend.shape, bits, outputs)

    def _evaluator(self, bits: IntArray, outputs: int) -> Evaluator:
        shape, voltages = self.backend.shape, row_voltages(bits, self.v0, self.v1)
        if self.arrangement.is_plain:
            return OneLayer(voltages, self.beta, self._read_v, Asked(self.rule, shape, self.seed, self.number))
        layers = self.layers(bits.shape[1], outputs)
        rules = [
            Asked(self.rule, (each.inputs, 2 * each.outputs), self.seed, self.number, each.number - 1)
            for each in layers
        ]
        return Network(layers, (voltages, self.v1, self._read_v), self.beta, rules)

    def evaluate(self, patterns: IntArray, read: Read | None = None) -> tuple[FloatArray, FloatArray]:
        """Read patterns (P, n) with the chip as it stands, and return currents and activations; no pulse is sent.

        Parameters
        ----------
        patterns : ndarray of int, shape (P, n)
            Input bits.
        read : callable, optional
            What reads instead of the chip.

        Returns
        -------
        ndarray of float, shape (L P, C)
            Column currents, in amperes, those of one of L layers after those of the other.
        ndarray of float, shape (P, N)
            Activations of the outputs.
        """
        voltages, activation = row_voltages(patterns, self.v0, self.v1), Tanh(self.beta)
        read = self.backend.read_currents if read is None else read
        if self.arrangement.is_plain:
            currents = read(voltages)
            return currents, activation(difference(currents))
        layers = self.layers(*self._known_size)
        volts = voltages, self.v1, self._read_v
        currents, _, passed = pass_through(read, self.backend.shape[0], layers, volts, activation)
        return currents, passed[-1].activations

    def _gaps(self, gaps: FloatArray, senses: Any, shortfalls: FloatArray | None = None) -> FloatArray:
        """Return what of targets minus activations (P, N) the gradient is made of, by pull back and dead zone."""
        if not self.pull_back:
            gaps = senses * (np.maximum(senses * gaps, 0.0) if shortfalls is None else shortfalls)
        if self.dead_zone:
            gaps = np.where(np.abs(gaps) < self.dead_zone, 0.0, gaps)
        return gaps

    def predict(self, patterns: ArrayLike) -> Prediction:
        """Let the chip as it stands judge patterns; reads only, no pulse.

        Parameters
        ----------
        patterns : array_like of int, shape (P, n)
            Input bits, one a row of the chip; of a network as many as it was made for.

        Raises
        ------
        DataError
            If they do not fit, or no task has told how many outputs a network has.
        """
        made_for = self.backend.shape[0] if self.arrangement.is_plain else self._known_size[0]
        bits = checked_bits("patterns", patterns, (None, made_for))
        return Prediction.from_activations(bits, self.evaluate(bits)[1], self.target0, self.target)

    @property
    def _known_size(self) -> tuple[int, int]:
        """Bits of a pattern and outputs of a network: the size of the chip does not tell, a task does."""
        if self.inputs is not None and self.outputs is not None:
            return self.inputs, self.outputs
        if self.backend.training is None:
            raise DataError(
                "how many inputs and outputs a network has, the size of its chip does not tell: give check_task or run "
                "a task"
            )
        task = self.backend.training.task
        return int(task.train.shape[1]), int(task.train_labels.shape[1])

    def check_task(self, patterns: ArrayLike, labels: ArrayLike) -> tuple[IntArray, IntArray]:
        """Return patterns (P, R) and labels (P, N) as bits; a DataError if they do not fit the chip or each other."""
        bits = checked_bits("patterns", patterns, (None, None))
        wanted = checked_bits("labels", labels, (len(bits), None))
        self._check_fit(bits.shape[1], wanted.shape[1])
        label_of: dict[bytes, tuple[int, IntArray]] = {}
        for number, (pattern, label) in enumerate(zip(bits, wanted, strict=True), start=1):
            first, before = label_of.setdefault(pattern.tobytes(), (number, label))
            if (before != label).any():
                raise DataError(
                    f"patterns {first} and {number} are both {as_text(pattern)} but ask for "
                    f"{as_text(before)} and {as_text(label)}"
                )
        if self.check_labels:
            volts = {"v0": self.v0, "v1": self.v1, "target0": self.target0, "target": self.target}
            check_learnable_by(self.arrangement, bits, wanted, **volts)
        return bits, wanted

    def _check_fit(self, bits: int, outputs: int) -> None:
        """Refuse patterns and labels of so many bits that do not fit the chip."""
        rows, columns = self.backend.shape
        if not self.arrangement.is_plain:
            self.layers(bits, outputs)
            self.inputs, self.outputs = bits, outputs
            return
        if bits != rows:
            wired = f", a real one needs {bits} rows in [wiring]" if bits < rows else ""
            raise DataError(
                f"patterns have {bits} bits, but the chip has {rows} rows; a virtual chip fits with rows = {bits} in "
                f"[chip] (--rows {bits} of `train`){wired}; or --patterns FILE, or patterns in [training], names others"
            )
        if outputs != columns // 2:
            wired = f", a real one needs {2 * outputs} columns in [wiring]" if outputs < columns // 2 else ""
            raise DataError(
                f"labels have {outputs} bits, but the chip of {columns} columns has {columns // 2} output(s), one for "
                f"two columns; a virtual chip fits with columns = {2 * outputs} in [chip] (--columns {2 * outputs} of "
                f"`train`){wired}; or --patterns FILE names others"
            )

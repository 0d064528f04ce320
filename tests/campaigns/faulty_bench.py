"""One short guarded training in this process, on an emulated bench on which things go wrong, judged by the checker."""

import threading
from dataclasses import dataclass

import numpy as np

from crossbar_hil.backend import DeviceBackend
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import CrossbarError
from crossbar_hil.guard.journal import Journal
from crossbar_hil.guard.keeper import Keeper
from crossbar_hil.plugins import load
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

from .judge import findings

DEADLINE_S = 0.5
"""Time for an exchange, in seconds. On loopback and a simulated clock an answer takes about a millisecond, but a
machine with a busy disk holds an emulated instrument up for 0.3 s: then it is mute, and no fault in the log says so."""


class Kept(DeviceBackend):
    """What a trainer sees of a keeper in the same process."""

    def __init__(self, keeper):
        self.keeper = keeper
        self.shape, self.kind, self.limits = keeper.chip.shape, keeper.chip.kind, keeper.chip.limits

    def _read_currents(self, voltages):
        return self.keeper.read_currents(voltages)

    def _send_pulses(self, counts, pulse):
        self.keeper.send_pulses(counts, pulse)

    def make_safe(self):
        self.keeper.make_safe("the trainer asked for it")


@dataclass
class Ending:
    """How a training on a faulty bench ended."""

    error: BaseException | None
    safe: object
    calls: int
    findings: list
    conductances: np.ndarray | None
    hung: bool = False


def train_on(folder, nemesis, *, name="emulated", epochs=2, seed=1, longest_s=60.0, deadline_s=DEADLINE_S, **overrides):
    """Train `epochs` evaluations on a bench that has a nemesis, and judge what happened.

    Whatever the nemesis does, the training must end by itself, in one of our errors or well, with everything made safe
    that can be.
    """
    instruments = {each: {"deadline_s": deadline_s} for each in ("smu", "matrix")}
    settings = {"instruments": instruments, "training": {"epochs": epochs}, **overrides}
    bench = load_bench(name, overrides=settings)
    folder.mkdir(parents=True)
    bench.copy_into(folder)
    task = PatternSet.from_csv(bench.training.pattern_file)
    made = load("emulation", "bench")(
        bench,
        np.random.default_rng(seed),
        state=folder / "emulated.json",
        log=folder / "physical.jsonl",
        nemesis=nemesis,
    )
    ending, crashes = Ending(None, None, 0, [], None), []

    def work():
        journal = Journal.create(
            folder / "journal.sqlite", {"run": folder.name, "token": "campaign", "kind": "emulated"}
        )
        chip = keeper = None
        try:
            chip = open_backend(bench, seed=0, resources=made.resources)
            keeper = Keeper(chip, journal, check_v=0.1)
            for epoch in make_trainer(bench.training, Kept(keeper)).iterate(task.train, task.train_labels):
                ending.conductances = epoch.conductances
        except CrossbarError as error:
            ending.error = error
        except Exception as error:  # a fault of the program itself, which the checker cannot see
            ending.error = error
            crashes.append(f"the program failed: {error!r}")
        finally:
            if keeper is not None:
                ending.safe = keeper.make_safe("the training ended")
            if chip is not None and chip.owned is not None:
                chip.owned.close()
            journal.close()

    with made:
        # A thread of its own, so that a hang is a finding and not the end of the campaign.
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(longest_s)
        ending.hung = thread.is_alive()
        ending.calls = made.nemesis.calls if getattr(made, "nemesis", None) is not None else 0
    if ending.hung:
        ending.findings = [f"the training did not end within {longest_s:g} s"]
        return ending
    promised = ending.safe is not None and ending.safe.confirmed
    ending.findings = crashes + findings(folder, *(() if promised else ("--end", "power")))
    return ending

"""The guard process: ``python -m crossbar_hil.guard``, started by a trainer that talks to it over its pipe."""

import io
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from crossbar_hil.bench.file import BENCH_FILE, Bench, load_bench
from crossbar_hil.bench.instruments import check_addresses, say_silence
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.bench.recorded import bench_hash
from crossbar_hil.errors import BenchBusy, ConfigError, CrossbarError, RunError
from crossbar_hil.guard.journal import Journal
from crossbar_hil.guard.keeper import Keeper, SafeReport
from crossbar_hil.guard.ledger import DoseLedger
from crossbar_hil.guard.lock import BenchLock
from crossbar_hil.guard.opening import claim, lock_names, rescue, wear_path
from crossbar_hil.guard.preflight import check_files
from crossbar_hil.guard.service import Opened, Service
from crossbar_hil.guard.watch import Least
from crossbar_hil.instrument import Identity
from crossbar_hil.owners.addresses import loopback_allowed, on_loopback
from crossbar_hil.owners.takeover import GONE_S, acquire_within
from crossbar_hil.owners.wear import RelayWear
from crossbar_hil.spent import Spent


class KeptChip:
    """A bench with its lock, its journal and its chip, held until it is closed."""

    def __init__(self, hello: dict[str, Any], service: Service) -> None:
        check_files()
        bench = load_bench(hello["bench"])
        resources = hello["resources"]
        journal_path = Path(hello["journal"])
        with ExitStack() as owned:
            lock = BenchLock(lock_names(bench.instruments, resources), run=str(journal_path.parent))
            lock.acquire()
            owned.callback(lock.release)
            journal = Journal.open(journal_path) if hello["resume"] else Journal.create(journal_path, hello["header"])
            owned.callback(journal.close)
            _check_bench(bench, journal)
            ledger = None
            if hello["ledger"] is not None:
                ledger = DoseLedger.open(Path(hello["ledger"]), bench.wiring.shape)  # type: ignore[union-attr]
                owned.callback(ledger.close)
                missing = ledger.count_again(str(journal.header["run"]), journal.entries) if hello["resume"] else 0
                if missing:
                    said = (
                        f"dose ledger {ledger.path} did not hold {missing} operations of this run, so it is not the "
                        "one that the run had; they are counted from the journal now, what other runs sent is not"
                    )
                    journal.append("note", {"text": said})
                    service.tell(f"warning: {said}")
            told = {"pid": os.getpid(), "resumed": hello["resume"], "version": version("crossbar-hil")}
            accept_change = bool(hello.get("accept_change"))
            if accept_change:
                told["accept_change"] = True
            journal.append("session", told)
            journal.commit()
            with loopback_allowed(hello.get("allow_loopback", False)):
                chip = open_backend(
                    bench,
                    seed=0,
                    resources=resources,
                    ask=service.ask,
                    tell=service.tell,
                    seen=claim(bench, lock),
                    on_trial=hello.get("on_trial", False),
                    patience=service.stop.patience,
                    silence=partial(say_silence, service.tell),
                )
            if ledger is not None:
                chip.spent = Spent(chip.shape, *ledger.totals())
            owned.callback(chip.owned.close if chip.owned is not None else lambda: None)
            device = dict(chip.identify())
            wear, uncounted = _wear_of(bench, device)
            if uncounted:
                journal.append("note", {"text": uncounted})
                service.tell(f"warning: {uncounted}")
            owned.callback(wear.close if wear is not None else lambda: None)
            read_v = max(abs(bench.training.v0), abs(bench.training.v1))
            self.keeper = Keeper(
                chip,  # type: ignore[arg-type]
                journal,
                check_v=read_v,
                ledger=ledger,
                stop=service.stop,
                lock=lock,
                least=Least.of(bench),
                alarm=service.alarm,
                wear=wear,
                accept_change=accept_change,
                tell=service.tell,
            )
            journal.entries.clear()  # which the keeper has read: a run may last for days
            if bench.kind == "hardware":
                here = on_loopback({name: table.resource for name, table in bench.instruments.items()})
                device |= {"on_loopback": here} if here else {}
            limits = asdict(chip.limits)
            self.ready = {"kind": chip.kind, "shape": list(chip.shape), "limits": limits, "device": device}
            self._owned = owned.pop_all()

    def close(self) -> None:
        """End the sessions, the journal and the lock."""
        self._owned.close()


def _wear_of(bench: Bench, device: Mapping[str, Any]) -> tuple[RelayWear | None, str]:
    """Open the counts of the relays of a real matrix, or say why they cannot be kept, which hinders no work.

    None where there is no real matrix, or it has no serial number.
    """
    if bench.kind != "hardware" or not isinstance(device.get("matrix"), dict):
        return None, ""
    who = Identity(**{name: str(device["matrix"].get(name, "")) for name in ("maker", "model", "serial", "firmware")})
    path = wear_path(who)
    try:
        return (None if path is None else RelayWear(path)), ""
    except RunError as error:
        return None, f"{error}; what closes from here on is not counted"


def _check_bench(bench: Bench, journal: Journal) -> None:
    """Refuse a bench that is not the one with which a journal began."""
    folder, header = journal.path.parent, journal.header
    if header.get("kind", bench.kind) != bench.kind:
        raise RunError(f"the journal of run {folder.name} is of kind {header['kind']}, its bench file of {bench.kind}")
    if header.get("bench_sha256", bench_hash(folder)) != bench_hash(folder):
        raise RunError(f"{folder / BENCH_FILE} was changed since run {folder.name} began, so it is not resumed")


class Rescue:
    """A session that only makes safe what a guard that is gone has left, whatever still answers."""

    def __init__(self, hello: dict[str, Any], service: Service) -> None:
        self.keeper = self
        self.ready: dict[str, Any] = {}
        self.gave_up = False
        self._hello, self._service = hello, service

    def make_safe(self, cause: str) -> SafeReport:
        """Make safe, and note it in the journal if that can be opened.

        A bench that has another owner by now is left alone: that one made it safe when it began.
        """
        bench = load_bench(self._hello["bench"])
        resources = self._hello["resources"]
        lock = BenchLock(lock_names(bench.instruments, resources), run="rescue")
        try:
            acquire_within(lock, GONE_S)
        except BenchBusy as busy:
            self.gave_up = True
            failure = f"{busy}; it made the bench safe when it began, so the second guard has sent nothing"
            return SafeReport(cause, False, (failure,))
        try:
            failures = self._rescue(bench, lock, resources)
        finally:
            lock.release()
        report = SafeReport(cause, not failures, tuple(failures))
        try:
            # However full the disk is: a few hundred bytes more are worth the attempt.
            journal = Journal.open(Path(self._hello["journal"]), needed_bytes=0)
            journal.append("session", {"pid": os.getpid(), "rescue": True, "version": version("crossbar-hil")})
            journal.append("safe", asdict(report))
            journal.close()
        except CrossbarError as error:
            return replace(report, cause=f"{cause}; not in the journal: {error}")
        return report

    def _rescue(self, bench: Bench, lock: BenchLock, resources: Mapping[str, str | None] | None) -> list[str]:
        try:
            with loopback_allowed(self._hello.get("allow_loopback", False)):
                if resources is None:
                    check_addresses(bench)
            tell = self._service.tell
            return rescue(bench, lock, resources, ask=self._service.ask, tell=tell, warn=tell)
        except ConfigError as error:
            return [str(error)]

    def close(self) -> None:
        """Nothing is held."""


def open_requested(hello: dict[str, Any], service: Service) -> Opened:
    """Open what a hello asks for."""
    return Rescue(hello, service) if hello["rescue"] else KeptChip(hello, service)  # type: ignore[return-value]


def main() -> int:
    """Serve on standard input and output; whatever else writes to standard output goes to standard error."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = io.FileIO(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    service = Service(requests, answers)
    service.heed_signals()
    return service.run(open_requested)


if __name__ == "__main__":
    sys.exit(main())

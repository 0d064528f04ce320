"""Try mutants: each in a copy of the tree, against the tests that must see it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from .listing import HERE, ROOT, Mutant

WORDS = ("-q", "-x", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "required_plugins=")
WORDS = (*WORDS, "-o", "addopts=--import-mode=importlib -m 'not campaign'")
TRIES = 3
_LEFT_OUT = ("build", "dist", "runs", "dry_runs")


class Copy:
    """A copy of the tree, by hard links: what is written goes into new files.

    Parameters
    ----------
    folder : Path
        Where it is made; on the file system of the tree.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        self._moment = 1_000_000_000

        def left_out(where: str, names: list[str]) -> set[str]:
            hidden = {name for name in names if name.startswith(".") and name != ".ci"}
            return hidden | ({*_LEFT_OUT} & {*names} if Path(where) == ROOT else set())

        shutil.copytree(ROOT, self.root, copy_function=_link, ignore=left_out, symlinks=True)
        command = [sys.executable, str(HERE / "server.py")]
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @contextmanager
    def with_change(self, mutant: Mutant) -> Iterator[None]:
        """Have a mutant in it for the length of a ``with`` block."""
        own = (self.root / mutant.file).read_text(encoding="utf-8")
        self._put(mutant.file, mutant.applied_to(own))
        try:
            yield
        finally:
            self._put(mutant.file, own)

    def _put(self, file: str, text: str) -> None:
        path = self.root / file
        path.unlink()  # the name in this copy, not what it shares with the tree
        path.write_text(text, encoding="utf-8")
        self._moment += 1  # another second each time, or Python takes the bytecode of the one before
        os.utime(path, (self._moment, self._moment))

    def outcome(self, tests: Iterable[str]) -> str:
        """Run tests here and say how they ended: "passed", "failed", "hung" or "broken", which tells nothing."""
        said = self.root.with_name("said")
        told = {"root": str(self.root), "words": [*WORDS, *tests], "said": str(said)}
        self._server.stdin.write(json.dumps(told) + "\n")
        self._server.stdin.flush()
        status = json.loads(self._server.stdout.readline())
        self.said = said.read_text(encoding="utf-8", errors="replace")
        # An interrupt that a mutant lets through ends pytest itself.
        seen = status in {1, -signal.SIGTERM, -signal.SIGINT} or (status == 2 and "KeyboardInterrupt" in self.said)
        return "hung" if status is None else "failed" if seen else "passed" if status == 0 else "broken"

    @property
    def failed(self) -> str:
        """The test that failed in the last run, if one did."""
        found = re.search(r"^FAILED (.+?)(?: - |$)", self.said, re.MULTILINE)
        return found[1] if found else ""

    def sure_outcome(self, tests: Iterable[str]) -> str:
        """Run tests until one fails that fails by itself too: some fail on a busy machine whatever the source says."""
        for _ in range(TRIES):
            outcome = self.outcome(tests)
            if outcome != "failed" or not self.failed or self.outcome([self.failed]) != "passed":
                return outcome
        return "passed"

    def close(self) -> None:
        """End what runs tests here."""
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def try_all(todo: Iterable[Mutant], results: Path, folder: Path, *, at_once: int) -> dict[str, str]:
    """Try mutants that a file of results does not hold yet, so many at once, and return how each ended.

    A mutant that was changed since it was tried is tried again. The file has a JSON object a line.
    """
    todo = list(todo)
    key = {each.name: json.dumps([each.file, each.old, each.new, each.tests]) for each in todo}
    known: dict[str, str] = {}
    for line in results.read_text(encoding="utf-8").splitlines() if results.exists() else ():
        told = json.loads(line)
        if key.get(told["name"]) == told["what"]:
            known[told["name"]] = told["outcome"]
    waiting: SimpleQueue[Mutant] = SimpleQueue()
    for each in todo:
        if each.name not in known:
            waiting.put(each)
    writing = Lock()

    def work(number: int) -> None:
        place = folder / str(number)
        place.mkdir(parents=True)
        copy = Copy(place)
        with suppress(Empty), closing(copy):
            while True:
                each = waiting.get_nowait()
                with copy.with_change(each):
                    outcome = copy.sure_outcome(each.words)
                with writing, results.open("a", encoding="utf-8") as file:
                    told = {"name": each.name, "outcome": outcome, "by": copy.failed, "what": key[each.name]}
                    file.write(json.dumps(told) + "\n")
                    known[each.name] = outcome

    workers = [Thread(target=work, args=(number,)) for number in range(at_once)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return known

"""An emulated bench in a process of its own, ``python -m crossbar_hil.bench.served``, and how to start one.

The process reads one line of JSON from its standard input: ``bench`` (TOML text), ``folder`` (against which file names
in it count), ``seed``, and ``state``, ``log`` and ``nemesis`` or null. It prints one line of JSON, ``resources`` (VISA
resource by instrument) and ``pid``, or ``error`` with a sentence. It serves until its standard input ends or SIGTERM
comes. So it outlives whoever started it as long as anybody holds the write end, the *lifeline*.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crossbar_hil.bench.file import Bench, load_bench
from crossbar_hil.bench.opening import make_emulated
from crossbar_hil.errors import ConfigError, CrossbarError
from crossbar_hil.parsing import parse_toml

LONGEST_CLOSE_S = 10.0


class Served:
    """An emulated bench that another process, which has its order, serves or will serve.

    Parameters
    ----------
    lifeline : int
        The write end of its standard input.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", lifeline: int) -> None:
        self.pid = process.pid
        """Its process."""
        self.lifeline = lifeline
        """File descriptor that keeps it going; hand it to a process that shall keep it going too (``pass_fds``)."""
        self._process, self._held = process, True
        self._resources: Mapping[str, str] | None = None

    @property
    def resources(self) -> Mapping[str, str]:
        """VISA resource name of each instrument; waits until they are served.

        Raises
        ------
        ConfigError
            If the bench cannot be served; no process is left.
        """
        if self._resources is None:
            try:
                found = _answer_of(self._process)
                if "error" in found:
                    raise ConfigError(found["error"])
            except BaseException:
                self._let_go()
                self._process.kill()
                self._process.wait()
                raise
            self._resources = found["resources"]
        return self._resources

    def close(self) -> None:
        """Let go of it; it ends, its state saved, as soon as nobody else holds the lifeline."""
        self._let_go()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(LONGEST_CLOSE_S)

    def _let_go(self) -> None:
        if self._held:  # its number may be that of another file by now
            self._held = False
            with contextlib.suppress(OSError):  # somebody else has closed it
                os.close(self.lifeline)


def start_served(
    bench: Bench | Path,
    *,
    seed: int,
    state: Path | None = None,
    log: Path | None = None,
    nemesis: Mapping[str, Any] | None = None,
    wait: bool = True,
) -> Served:
    """Start a process that serves the emulated instruments of a bench.

    Parameters
    ----------
    bench : Bench or Path
        A checked bench of kind ``emulated``, or the file of one.
    seed : int
        The chip is drawn from it, unless the state file is there already.
    state : Path, optional
        File in which the chip outlives the process.
    log : Path, optional
        File for the physical log.
    nemesis : mapping, optional
        Faults to be made, as the emulated bench takes them.
    wait : bool
        Until it is served; if not, whoever asks for its `resources` does.

    Raises
    ------
    ConfigError
        If the bench is wrong, there can be no process, or, with `wait`, it cannot be served; no process is left.
    """
    checked = load_bench(str(bench)) if isinstance(bench, Path) else bench
    order = {
        "bench": checked.as_toml(),
        "folder": str(Path.cwd()),
        "seed": seed,
        "state": None if state is None else str(state.absolute()),
        "log": None if log is None else str(log.absolute()),
        "nemesis": None if nemesis is None else dict(nemesis),
    }
    reading, lifeline = os.pipe()
    try:
        process = subprocess.Popen(  # -P keeps the working directory off the path on which modules are found
            [sys.executable, "-P", "-m", "crossbar_hil.bench.served"],
            stdin=reading,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        os.close(lifeline)
        raise ConfigError(f"the emulated bench {checked.name} cannot be started: {error.strerror or error}") from error
    finally:
        os.close(reading)
    served = Served(process, lifeline)
    with contextlib.suppress(BrokenPipeError):  # it has ended, which shows in its answer
        content = json.dumps(order).encode() + b"\n"
        while content:
            content = content[os.write(lifeline, content) :]
    if wait:
        _ = served.resources
    return served


def _answer_of(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """Return what the process says to its order."""
    if process.stdout is None:
        return {}
    with process.stdout as said:
        line = said.readline()
    if not line:
        return {"error": f"the emulated bench ended with exit code {process.wait()} before it was served"}
    return json.loads(line)


# ---------------------------------------------------------------------- the process itself


def main() -> int:
    """Serve a bench; return the exit code."""
    done = threading.Event()
    for name in ("SIGINT", "SIGHUP"):  # a terminal's Ctrl-C is for the trainer
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    try:
        order = json.loads(_first_line())
        with _open_served(order) as served:
            _say({"resources": dict(served.resources), "pid": os.getpid()})
            threading.Thread(target=_watch, args=(done,), daemon=True).start()
            done.wait()
    except CrossbarError as error:
        _say({"error": str(error)})
        return 1
    except Exception as error:  # whatever it is, the other side is told, and in one sentence
        _say({"error": f"the emulated bench failed: {type(error).__name__}: {error}"})
        return 1
    if served.failure:
        sys.stderr.write(f"{served.failure}\n")
    return int(bool(served.failure))


def _open_served(order: Mapping[str, Any]) -> Any:
    """Make the bench that was ordered."""
    os.chdir(order["folder"])
    try:
        bench = Bench.model_validate(parse_toml(order["bench"]))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigError(f"the bench to be served is not valid: {' '.join(str(error).split())}") from error
    files = {key: None if order[key] is None else Path(order[key]) for key in ("state", "log")}
    faults = {} if order["nemesis"] is None else {"nemesis": order["nemesis"]}
    return make_emulated(bench, order["seed"], remembered=False, **files, **faults)


def _first_line() -> bytes:
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        raise ConfigError("the emulated bench was told nothing before its standard input ended")
    return line


def _watch(done: threading.Event) -> None:
    """Wait for the end of standard input, whatever else comes before it."""
    with contextlib.suppress(OSError):
        while os.read(0, 65536):
            pass
    done.set()


def _say(message: Mapping[str, Any]) -> None:
    """Print one line, the only one: whoever reads knows that no more comes."""
    with contextlib.suppress(OSError):  # nobody listens any more
        os.write(1, json.dumps(message).encode() + b"\n")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)


if __name__ == "__main__":
    sys.exit(main())

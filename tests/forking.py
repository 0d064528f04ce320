"""Processes of the package that begin as a fork of one which has imported it, so that not each imports it anew.

`subprocess.Popen` makes them while tests run. What comes is a process of its own, with the number, the files, the
environment, the folder and the session that were asked for; what it forked from has one thread and no open instrument.
Only its words (`/proc/PID/cmdline`) are those of the one that it forked from, and Python itself is not started. Where
the start is what a test is about, the fixture `real_starts` gives a real one; in campaigns all are real.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from select import select
from types import ModuleType

PYTHON, MODULES = sys.executable, os.environ.get("PYTHONPATH")
PROGRAMS = ("crossbar_hil", "crossbar_hil.guard", "crossbar_hil.bench.served")
IMPORTED = (
    "crossbar_hil.cli.verbs",
    "crossbar_hil.runs.training",
    "crossbar_hil.runs.training_run",
    "crossbar_hil.drivers.chip",
    "crossbar_hil.sim_backend.emulation.bench",
    "pyvisa_py",
)
SHIPPED = ("keithley2602b", "keithley707b", "keithley2400", "keithley7001")
"""Instruments of the shipped emulated benches."""
ABOVE = 500
"""Numbers of files that nobody has."""


class _Python(str):
    """The name of the interpreter, where what it is to do may begin as a fork."""

    __slots__ = ()


FORKED = _Python(sys.executable)
"""First word of a command whose second is ``-c`` and whose third is a program that imports the package."""


class Popen(subprocess.Popen):
    """A process; while `on`, one of our programs, or one that is `FORKED`, begins as a fork."""

    on = False
    place = ""
    """Socket of the process from which others fork."""
    _link = -1

    def _execute_child(self, args, *more):
        # CPython 3.11 to 3.14: pass_fds, cwd and env come fourth, the six ends of pipes tenth, the session 21st.
        pass_fds, cwd, env = more[3:6]
        ends = more[9:15]
        env = dict(os.environ if env is None else env)
        module, rest = _program(args) if Popen.on else ("", [])
        if not module or env.get("PYTHONPATH") != MODULES:
            super()._execute_child(args, *more)
            return
        files = [own if end == -1 else end for own, end in enumerate((ends[0], ends[3], ends[5]))]
        order = {
            "module": module,
            "argv": rest,
            "cwd": str(Path(cwd or ".").absolute()),
            "env": env,
            "session": bool(more[20]),
            "files": [0, 1, 2, *pass_fds],
        }
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(_place(env))
            content = json.dumps(order).encode() + b"\n"
            socket.send_fds(link, [content[:1]], [*files, *pass_fds])
            link.sendall(content[1:])
            self.pid = int(_line(link.fileno()))
            self._link = link.detach()
        self._child_created = True
        self._close_pipe_fds(*ends)

    def _internal_poll(self, *more, **named):
        if self._link == -1:
            return super()._internal_poll(*more, **named)
        self._look(0)
        return self.returncode

    def _wait(self, timeout):
        if self._link == -1:
            return super()._wait(timeout)
        if not self._look(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def _look(self, timeout):
        """Say whether the process has ended, after so many seconds at most."""
        if self.returncode is None and select([self._link], [], [], timeout)[0]:
            with self._waitpid_lock:
                if self.returncode is None:
                    self.returncode = int(_line(self._link))
        return self.returncode is not None

    def __del__(self):
        super().__del__()
        if self._link != -1 and self.returncode is not None:  # else it goes on being looked at
            os.close(self._link)


def joining():
    """Return the beginning of a program that itself starts anew, but has those fork that it starts."""
    if not Popen.on:
        return ""
    here = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import forking; del sys.path[0]"
    return f"{here}; forking.join({_place(dict(os.environ))!r})\n"


def join(place):
    """Have our programs fork from the process at a place."""
    subprocess.Popen, Popen.place, Popen.on = Popen, place, True


@contextlib.contextmanager
def real_starts():
    """Have processes start as they do where no test runs."""
    before, Popen.on = Popen.on, False
    try:
        yield
    finally:
        Popen.on = before


def _program(command):
    """Return which of our programs a command starts, and its words; nothing if it is none."""
    words = [os.fspath(word) for word in command] if isinstance(command, list | tuple) else []
    if "-P" in words[1:2]:
        del words[1]
    if len(words) > 2 and words[0] == PYTHON:
        if words[1] == "-m" and words[2] in PROGRAMS:
            return words[2], words[3:]
        if words[1] == "-c" and isinstance(command[0], _Python):
            return "-c", words[2:]
    return "", []


_starting = threading.Lock()
_held = []


def _place(env):
    """Return the socket of the process from which others fork, which is started once."""
    with _starting:
        if not Popen.place:
            folder = tempfile.TemporaryDirectory(dir="/tmp")  # the name of a socket is short
            place = f"{folder.name}/fork"
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(place)
                listener.listen(64)
                # The last two words are those by which a guard is known.
                command = [sys.executable, "-P", __file__, place, str(listener.fileno()), "-m", "crossbar_hil.guard"]
                process = Popen(  # which no test has put something else in place of
                    command,
                    stdin=subprocess.PIPE,
                    pass_fds=[listener.fileno()],
                    env={**env, "OPENBLAS_NUM_THREADS": "1"},
                    cwd="/",
                    start_new_session=True,
                )
            _held.extend([folder, process])
            Popen.place = place
        return Popen.place


def end():
    """End the process from which others fork, if there is one."""
    if _held:
        folder, process = _held
        _held.clear()
        process.communicate()
        folder.cleanup()
        Popen.place = ""


def _line(number):
    """Return what comes until the end of a line, from a file of that number."""
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(number, 1)
        if not part:
            raise EOFError("the process from which others fork has ended")
        line += part
    return line


# ---------------------------------------------------------------------- the process from which others fork


def serve(place, number):
    """Fork as asked, and say how each ended, until standard input ends; return, in a fork, what it is to be."""
    join(place)
    for name in IMPORTED:
        importlib.import_module(name)
    from crossbar_hil.plugins import load

    for name in SHIPPED:
        load("instruments", name)
        load("emulators", name)
    for name in ("crossbar_hil.guard", "crossbar_hil.bench.served"):
        runpy.run_module(name, run_name="imported")
    gc.collect()
    gc.freeze()
    links = {}
    with selectors.DefaultSelector() as selector, socket.socket(fileno=number) as listener:
        selector.register(0, selectors.EVENT_READ, None)
        selector.register(listener, selectors.EVENT_READ, None)
        while True:
            for key, _ in selector.select():
                if key.fd == 0:
                    return None
                if key.fd != listener.fileno():
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    link, pid = links.pop(key.fd)
                    with link, contextlib.suppress(OSError):  # who asked for it is gone
                        link.sendall(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                    continue
                link, _ = listener.accept()
                order, files = _ordered(link)
                pid = os.fork()
                if pid == 0:
                    link.close()
                    for each, (other, _) in links.items():
                        os.close(each)
                        other.close()
                    return order, files
                for each in files:
                    os.close(each)
                link.sendall(b"%d\n" % pid)
                watched = os.pidfd_open(pid)
                links[watched] = (link, pid)
                selector.register(watched, selectors.EVENT_READ)


def _ordered(link):
    """Return what is asked for, and the files that came with it, at numbers that nobody has."""
    from fcntl import F_DUPFD, fcntl  # where there is one

    content, files, _, _ = socket.recv_fds(link, 1, 64)
    content += _line(link.fileno())
    moved = [fcntl(each, F_DUPFD, ABOVE) for each in files]
    for each in files:
        os.close(each)
    return json.loads(content), moved


def become(order, files):
    """Make this process what was asked for."""
    for each, wanted in zip(files, order["files"], strict=True):
        os.dup2(each, wanted)
        os.close(each)
    if order["session"]:
        os.setsid()
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    if order["module"] != "-c":
        sys.argv = ["", *order["argv"]]
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
        return
    program, *words = order["argv"]
    sys.argv = ["-c", *words]
    main = sys.modules["__main__"] = ModuleType("__main__")
    exec(compile(program, "<string>", "exec"), vars(main))


if __name__ == "__main__":
    asked = serve(sys.argv[1], int(sys.argv[2]))
    if asked is not None:
        become(*asked)

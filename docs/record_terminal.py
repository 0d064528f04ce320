"""Record docs/terminal.svg: a rehearsal on a terminal, interrupted, gone on with and verified, as it was printed.

python docs/record_terminal.py     (where there are pseudo-terminals: not on Windows)
"""

import io
import os
import pty
import re
import shlex
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

SIZE = {"COLUMNS": "100", "LINES": "40", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
STOP = re.compile(rb" 9/48")
"""Once this is shown somebody presses Ctrl-C."""
SHOWN = (
    ('crossbar-hil train --bench emulated --seed 4 --spread "307 nS" "672 nS"   # Ctrl-C in epoch 9', STOP),
    ("crossbar-hil resume latest", None),
    ("crossbar-hil verify latest", None),
)
PICTURE = Path(__file__).resolve().parent / "terminal.svg"
# Text keeps its place whatever monospaced font there is, as each line says how long it is: none is fetched.
FORMAT = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="TOLD">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def run(words, folder, stop):
    """Run a command on a pseudo-terminal, press Ctrl-C once `stop` is printed, and return all that it printed."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.execve(sys.executable, [sys.executable, "-m", "crossbar_hil", *words[1:]], {**os.environ, **SIZE})
    printed, pressed = b"", False
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:  # how a pseudo-terminal says that nobody writes to it any more
            more = b""
        if not more:
            break
        printed += more
        if stop and not pressed and stop.search(printed):
            os.write(terminal, b"\x03")
            pressed = True
    os.waitpid(process, 0)
    os.close(terminal)
    return printed.decode()


def screen(printed):
    """Return the lines that are left on the screen: what was printed and not drawn over."""
    lines, at = [""], 0
    for part in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", printed):
        if part == "\n":
            at += 1
            lines += [""] * (at + 1 - len(lines))
        elif up := re.fullmatch(r"\x1b\[(\d*)A", part):
            at = max(at - int(up[1] or 1), 0)
        elif part == "\x1b[2K":
            lines[at] = ""
        elif part != "\r" and not part.startswith("\x1b[?"):
            lines[at] += part
    while lines and not lines[-1].strip():
        lines.pop()
    return [line for line in lines if line != "^C"]


def main():
    console = Console(record=True, width=int(SIZE["COLUMNS"]), file=io.StringIO())
    with tempfile.TemporaryDirectory() as folder:
        for command, stop in SHOWN:
            typed, _, remark = command.partition("   ")
            console.print(Text.assemble(("$ ", "bold green"), (typed, "bold"), (f"   {remark}", "dim")))
            for line in screen(run(shlex.split(typed), folder, stop)):
                console.print(Text.from_ansi(line))
            console.print()
    told = "A training on a terminal: interrupted, gone on with, verified"
    code = console.export_svg(title="", code_format=FORMAT, unique_id="t").replace("TOLD", told)
    PICTURE.write_text("\n".join(line.strip() for line in code.splitlines() if line.strip()) + "\n", encoding="utf-8")
    print(f"{PICTURE.name}: {PICTURE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()

"""What a shell completes: names of runs, of benches and of tasks; looked up without opening any, as a person waits."""

import os
from pathlib import Path

from click import Context, Parameter
from click.shell_completion import CompletionItem

MOST_NAMES = 200
"""Of a folder with more runs, the newest so many are told."""


def complete_run(context: Context, _: Parameter, begun: str) -> list[CompletionItem]:
    """Return the runs whose names begin so, the newest first, and ``latest``; folders if none does."""
    out = context.params.get("out") or Path("runs")
    try:
        with os.scandir(out) as entries:
            names = sorted((entry.name for entry in entries if entry.is_dir()), reverse=True)
    except OSError:
        names = []
    found = [name for name in ["latest", *names] if names and name.startswith(begun)][:MOST_NAMES]
    return [CompletionItem(name) for name in found] or [CompletionItem(begun, type="dir")]


def complete_bench(_: Context, __: Parameter, begun: str) -> list[CompletionItem]:
    """Return the shipped benches, and the bench files beside what was begun, that begin so; files if none does."""
    from crossbar_hil.shipped import shipped  # noqa: PLC0415 - only who completes needs it

    folder, start = os.path.split(begun)
    try:
        there = sorted(os.listdir(folder or os.curdir))
    except OSError:
        there = []
    files = [os.path.join(folder, name) for name in there if name.startswith(start) and name.endswith(".toml")]
    found = [name for name in shipped("benches") if name.startswith(begun)] + files
    return [CompletionItem(name) for name in found] or [CompletionItem(begun, type="file")]


def complete_task(_: Context, __: Parameter, begun: str) -> list[CompletionItem]:
    """Return the shipped tasks that begin so."""
    return _shipped_tasks("tasks", begun)


def complete_small_task(_: Context, __: Parameter, begun: str) -> list[CompletionItem]:
    """Return the shipped tasks of a spiking network on a device that begin so."""
    return _shipped_tasks("tasks/snn", begun)


def _shipped_tasks(folder: str, begun: str) -> list[CompletionItem]:
    from crossbar_hil.shipped import shipped  # noqa: PLC0415 - only who completes needs it

    return [CompletionItem(name) for name in shipped(folder) if name.startswith(begun)]

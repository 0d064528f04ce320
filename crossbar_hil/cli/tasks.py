"""The verb ``tasks``: what published experiments ship."""

from typing import Any

import click

from crossbar_hil.cli.common import as_json, print_json, print_lines, print_table
from crossbar_hil.cli.completion import complete_task
from crossbar_hil.errors import ConfigError


@click.command()
@click.argument("name", required=False, shell_complete=complete_task)
@as_json
def tasks(name: str | None, as_json: bool) -> None:
    """List the published experiments that `train`, `sweep`, `tune`, `snn train` take by --task, or tell of one NAME."""
    from crossbar_hil.spiking.tasks.small import SmallTask  # noqa: PLC0415 - --help must not wait for it
    from crossbar_hil.training.tasks import Task  # noqa: PLC0415

    spiking = [_spiking(SmallTask.read(each)) for each in SmallTask.names() if name in (None, each)]
    told = [] if name and spiking else [_facts(Task.read(each)) for each in ([name] if name else Task.names())]
    if as_json:
        print_json(tasks=told, spiking=spiking)
    elif name:
        print_lines(_spiking_lines(spiking[0]) if spiking else _lines(told[0]))
    else:
        print_table(("task", "chip", "patterns", "rule", "learns"), [_row(each) for each in told])
        print_lines(["", "try     crossbar-hil train --task NAME, and docs/reproduce.md beside what was published", ""])
        rows = [(each["task"], _size(each), str(each["samples"]), each["encoding"], each["learns"]) for each in spiking]
        print_table(("spiking task", "chip", "samples", "encoding", "learns"), rows)
        print_lines(["", "try     crossbar-hil snn train --task NAME, and docs/spiking_small.md"])


def _facts(task: Any) -> dict[str, Any]:
    from crossbar_hil.shipped import data_file, shipped  # noqa: PLC0415
    from crossbar_hil.training.patterns import PatternSet  # noqa: PLC0415

    patterns = PatternSet.from_csv(data_file(task.training["patterns"]))
    return {
        **_told(task),
        "patterns": len(patterns.train),
        "training": dict(task.training),
        "benches": [bench for bench in shipped("benches") if _fits(bench, task.name)],
    }


def _told(task: Any) -> dict[str, Any]:
    """Return what is said of a task of either kind."""
    rows, columns = task.shape
    return {"task": task.name, "learns": task.title, "source": task.source, "rows": rows, "columns": columns}


def _fits(bench: str, task: Any) -> bool:
    from crossbar_hil.bench.file import load_bench  # noqa: PLC0415

    try:
        load_bench(bench, task=task)
    except ConfigError:
        return False
    return True


def _spiking(task: Any) -> dict[str, Any]:
    from crossbar_hil.shipped import shipped  # noqa: PLC0415

    return {
        **_told(task),
        "samples": len(task.samples().train),
        "encoding": task.tables.input.encoding,
        "benches": [bench for bench in shipped("benches") if _fits(bench, task)],
    }


def _spiking_lines(told: dict[str, Any]) -> list[str]:
    return [
        f"task      {told['task']}: {told['learns']}",
        f"source    {told['source']}",
        f"chip      {told['rows']} rows, at least {told['columns']} columns; {told['samples']} samples to train on",
        f"inputs    spike at {told['encoding']}",
        *(f"try       crossbar-hil snn train --task {told['task']} --bench {bench}" for bench in told["benches"]),
    ]


def _size(told: dict[str, Any]) -> str:
    return f"{told['rows']} x {told['columns']}"


def _row(told: dict[str, Any]) -> tuple[str, ...]:
    return told["task"], _size(told), str(told["patterns"]), told["training"]["rule"], told["learns"]


def _lines(told: dict[str, Any]) -> list[str]:
    settings = ", ".join(f"{key} {_text(value)}" for key, value in told["training"].items())
    return [
        f"task      {told['task']}: {told['learns']}",
        f"source    {told['source']}",
        f"chip      {told['rows']} rows, {told['columns']} columns; {told['patterns']} patterns to train on",
        f"settings  {settings}",
        *(f"try       crossbar-hil train --task {told['task']} --bench {bench}" for bench in told["benches"]),
        f"try       crossbar-hil sweep --task {told['task']} --over pull_back=false,true",
    ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


VERBS = (tasks,)

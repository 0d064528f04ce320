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
    """List the published experiments that `train`, `sweep` and `tune` take by --task, or tell of the one NAME."""
    from crossbar_hil.training.tasks import Task  # noqa: PLC0415 - --help must not wait for it

    told = [_facts(Task.read(each)) for each in ([name] if name else Task.names())]
    if as_json:
        print_json(tasks=told)
    elif name:
        print_lines(_lines(told[0]))
    else:
        print_table(("task", "chip", "patterns", "rule", "learns"), [_row(each) for each in told])
        print_lines(["", "try     crossbar-hil train --task NAME, and docs/reproduce.md beside what was published"])


def _facts(task: Any) -> dict[str, Any]:
    from crossbar_hil.shipped import data_file, shipped  # noqa: PLC0415
    from crossbar_hil.training.patterns import PatternSet  # noqa: PLC0415

    patterns = PatternSet.from_csv(data_file(task.training["patterns"]))
    return {
        "task": task.name,
        "learns": task.title,
        "source": task.source,
        "rows": task.shape[0],
        "columns": task.shape[1],
        "patterns": len(patterns.train),
        "training": dict(task.training),
        "benches": [bench for bench in shipped("benches") if _fits(bench, task.name)],
    }


def _fits(bench: str, task: str) -> bool:
    from crossbar_hil.bench.file import load_bench  # noqa: PLC0415

    try:
        load_bench(bench, task=task)
    except ConfigError:
        return False
    return True


def _row(told: dict[str, Any]) -> tuple[str, ...]:
    size = f"{told['rows']} x {told['columns']}"
    return told["task"], size, str(told["patterns"]), told["training"]["rule"], told["learns"]


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

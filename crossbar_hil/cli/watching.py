"""The verb ``watch``."""

import os
import sys
import webbrowser
from pathlib import Path

import click


@click.command()
@click.argument("runs", type=click.Path(path_type=Path), default=Path("runs"))
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Port; 0 takes a free one.")
@click.option("--no-browser", is_flag=True, help="Print the address, and open nothing.")
def watch(runs: Path, port: int, no_browser: bool) -> None:
    """Show runs on a page on this machine, while they go on and afterwards.

    RUNS is a folder that holds run folders, or one of these. The page reads records, and never speaks to an instrument.
    Ctrl-C ends it, and no run.
    """
    from crossbar_hil.errors import DataError, reason_of  # noqa: PLC0415 - --help must not wait for it
    from crossbar_hil.runs.many.listing import key_of  # noqa: PLC0415
    from crossbar_hil.runs.store import is_run  # noqa: PLC0415
    from crossbar_hil.watch.server import WatchServer  # noqa: PLC0415

    folder, one = runs.absolute(), ""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{runs} is a file, and watch shows a folder of runs")
    if is_run(folder):
        folder, one = folder.parent, f"run?run={key_of(folder.name)}"
    try:
        server = WatchServer(folder, port)
    except OSError as error:
        raise DataError(f"port {port} cannot be had: {reason_of(error)}; --port 0 takes a free one") from error
    with server:
        click.echo(f"{server.address}{one}")
        click.echo(f"note    shows the runs in {folder}, to whoever is on this machine; Ctrl-C ends it", err=True)
        if not no_browser and _has_browser():
            webbrowser.open(f"{server.address}{one}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo(err=True)


def _has_browser() -> bool:
    """Say whether a browser would get a window; on a terminal a browser of text would take the terminal."""
    return sys.platform in {"win32", "darwin"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

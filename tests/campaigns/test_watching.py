"""What `watch` costs and how fast it is, on this machine as it is: ten thousand runs, a browser, a training beside it.

``CROSSBAR_HIL_PAIRS=7 pytest -m campaign -s tests/campaigns/test_watching.py`` trains so often with and without it. The
times are those of a machine that does nothing else.
"""

import itertools
import json
import os
import resource
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.runs.store import list_runs
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.watch import views
from crossbar_hil.watch.server import WatchServer

PAIRS = int(os.environ.get("CROSSBAR_HIL_PAIRS", "7"))
POLL_S = 0.6
"""Between two questions of the page of a run (`pause` in watch.js)."""
CHROMIUM = Path("/usr/bin/chromium")
NEVER = "--preset reference --target 0.99 --seed 2 --no-report --quiet"
"""A training that never converges."""
LONG = {"simulated": 6_000, "emulated": 80}
"""Epochs that take some ten seconds of a quiet machine, so that the page has looked a dozen times, by the bench."""
LOOKS = 8
"""So often at least the page must have had something new to show."""


@pytest.fixture
def serve():
    servers = []

    def start(out):
        servers.append(WatchServer(out))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def get(url):
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


@pytest.mark.campaign
def test_ten_thousand_runs_are_listed_within_a_second(tmp_path, converged_run, serve):
    for number in range(10_000):
        folder = tmp_path / f"2026-01-01T00-00-00Z_manhattan_4x4_{number:04x}"
        folder.mkdir()
        os.link(converged_run / "run.sqlite", folder / "run.sqlite")
    address = f"{serve(tmp_path).address}data/runs?sort=-started"
    used = [time.process_time()]  # of server and client together
    first = get(address)
    used.append(time.process_time())
    while get(address)["unread"]:
        pass
    used.append(time.process_time())
    assert get(address)["found"] == 10_000
    used.append(time.process_time())
    first_s, rest_s, again_s = (after - before for before, after in itertools.pairwise(used))
    sys.stdout.write(f"CPU: first page {first_s:.2f} s, all others {rest_s:.2f} s, again {1e3 * again_s:.0f} ms\n")
    assert (first["all"], len(first["rows"])) == (10_000, views.PAGE)
    assert first["rows"][0]["cells"]["name"].endswith("270f"), "the newest first"
    assert first_s < 1.0
    assert again_s < 0.2


@pytest.mark.campaign
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser to look with: {CHROMIUM} is not installed")
def test_a_browser_has_an_epoch_within_one_and_a_half_seconds(tmp_path, serve, monkeypatch):
    shown, real, delays = {}, views.run_data, []
    had = threading.Condition()

    def noted(row, now):
        data = real(row, now)
        with had:
            shown.setdefault(data["standing"]["done"], time.monotonic())
            had.notify_all()
        return data

    monkeypatch.setattr(views, "run_data", noted)
    out = tmp_path / "runs"
    address = serve(out).address
    switches = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    switches += f" --disable-component-update --disable-sync --user-data-dir={tmp_path / 'browser'}"
    browser = []

    def look(epoch):
        written = time.monotonic()
        if not browser:
            url = f"{address}run?run={get(address + 'data/runs')['rows'][0]['key']}"
            command = [CHROMIUM, *switches.split(), "--remote-debugging-port=0", url]
            browser.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        with had:
            assert had.wait_for(lambda: epoch.number in shown, timeout=120), epoch.number
        if epoch.number > 3:  # by then the browser has started
            delays.append(shown[epoch.number] - written)

    try:
        train_and_record(load_bench("simulated", preset="reference"), seed=7, out=out, show=look)
    finally:
        browser[0].terminate()
        browser[0].wait()
    sys.stdout.write(f"{len(delays)} epochs, the latest {max(delays):.2f} s after it was written\n")
    assert max(delays) < 1.5


@pytest.mark.campaign
@pytest.mark.parametrize("bench", LONG)
def test_a_training_is_no_slower_with_the_page_open(tmp_path, bench):
    command = [sys.executable, "-m", "crossbar_hil"]
    train = [*command, "train", "--bench", bench, "--epochs", str(LONG[bench]), *NEVER.split(), "--out", tmp_path]
    pairs, looks = [], []
    with subprocess.Popen([*command, "watch", tmp_path, "--no-browser"], stdout=subprocess.PIPE, text=True) as page:
        try:
            address = page.stdout.readline().strip()
            for number in range(PAIRS):
                spent = {}
                for watched in (number % 2 == 0, number % 2 == 1):
                    spent[watched], seen = _trained(train, address if watched else None)
                    looks += [seen] if watched else []
                pairs.append(spent)
        finally:
            page.terminate()
    least = {way: tuple(map(min, zip(*(each[way] for each in pairs), strict=True))) for way in (False, True)}
    (alone, alone_s), (beside, beside_s) = least[False], least[True]
    sys.stdout.write(
        f"{bench}, {PAIRS} pairs of {LONG[bench]} epochs, the page drew anew {min(looks)} to {max(looks)} times: CPU "
        f"of the training {alone:.3f} s, with the page {beside:.3f} s, {100 * (beside / alone - 1):+.1f} %; wall "
        f"{alone_s:.2f} s, {beside_s:.2f} s, {100 * (beside_s / alone_s - 1):+.1f} % (least of each)\n"
    )
    assert len(list_runs(tmp_path)) == 2 * PAIRS
    assert min(looks) >= LOOKS
    assert beside < 1.03 * alone


def _trained(command, address):
    """Train, with an onlooker if there is an address; return processor and wall time, in seconds, and its looks."""
    over, seen = threading.Event(), []
    looker = threading.Thread(target=lambda: seen.append(_look(address, over)))
    if address:
        looker.start()
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True)  # noqa: PLW1510
    used, wall_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    assert done.returncode == 3, done.stderr
    over.set()
    if address:
        looker.join()
    return (used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, wall_s), sum(seen)


def _look(address, over):
    """Look at the newest run as its page does, and return how often it had changed."""
    changed, tag = 0, ""
    while not over.wait(POLL_S):
        rows = get(f"{address}data/runs?sort=-started")["rows"]
        if rows and rows[0]["live"]:
            data = get(f"{address}data/run?run={rows[0]['key']}&have={tag}")
            changed += not data.get("unchanged", False)
            tag = data.get("tag", tag)
    return changed

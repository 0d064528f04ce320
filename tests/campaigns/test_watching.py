"""What `watch` costs and how fast it is, on this machine as it is: ten thousand runs, a browser, a training beside it.

``CROSSBAR_HIL_FOURS=20 pytest -m campaign -s tests/campaigns/test_watching.py`` looks at a training so often, eight
seconds each. The times are those of a machine that does nothing else.
"""

import itertools
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.runs.interruption import Button
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.watch import views
from crossbar_hil.watch.server import WatchServer

FOURS = int(os.environ.get("CROSSBAR_HIL_FOURS", "20"))
BLOCK_S = 2.0
"""So long the page is looked at, or not, before the other is tried; of four such stretches the inner two are."""
POLL_S = 0.6
"""Between two questions of the page of a run (`pause` in watch.js)."""
CHROMIUM = Path("/usr/bin/chromium")


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
@pytest.mark.parametrize("bench", ["simulated", "emulated"])
def test_an_epoch_takes_no_longer_with_the_page_open(tmp_path, bench):
    """One training, during which the page is looked at and not, in turn: A B B A, so that what drifts cancels out."""
    checked = load_bench(bench, preset="reference", overrides={"training": {"target": 0.99, "epochs": 1_000_000}})
    button, looking, blocks = Button(), threading.Event(), []
    begun = []

    def mark(epoch):
        now = time.monotonic(), time.thread_time(), epoch.number
        if begun and now[0] < begun[0][0] + BLOCK_S:
            return
        if begun:
            epochs = now[2] - begun[0][2]
            blocks.append([(end - begin) / epochs for begin, end in zip(begun[0][:2], now[:2], strict=True)])
        begun[:] = [now]
        if len(blocks) == 4 * FOURS:
            button.press("it was long enough")
        elif len(blocks) % 4 in {1, 2}:  # the second and the third of four
            looking.set()
        else:
            looking.clear()

    watch = [sys.executable, "-m", "crossbar_hil", "watch", tmp_path, "--no-browser"]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as page:
        looked, over = [], threading.Event()
        looker = threading.Thread(target=_look, args=(page.stdout.readline().strip(), looking, over, looked))
        looker.start()
        try:
            train_and_record(checked, seed=2, out=tmp_path, show=mark, button=button)
        finally:
            over.set()
            looking.set()
            looker.join()
            page.terminate()
    fours = np.array(blocks).reshape(FOURS, 4, 2)
    change = 100 * (fours[:, 1:3].sum(axis=1) / (fours[:, 0] + fours[:, 3]) - 1)
    (wall, cpu), (wall_off, cpu_off) = np.median(change, axis=0), change.std(axis=0, ddof=1) / np.sqrt(FOURS)
    sys.stdout.write(
        f"{bench}, {FOURS} times {4 * BLOCK_S:g} s, the page drew anew {len(looked)} times: an epoch takes its trainer "
        f"{1e3 * np.median(fours[..., 1]):.3f} ms of CPU, {cpu:+.2f} % with the page (standard error {cpu_off:.2f}), "
        f"and {1e3 * np.median(fours[..., 0]):.2f} ms in all, {wall:+.2f} % ({wall_off:.2f})\n"
    )
    assert len(looked) > FOURS
    assert cpu < 3.0 + 2 * cpu_off


def _look(address, looking, over, looked):
    """Look at the newest run as its page does while somebody is looking, and note how often it had changed."""
    tag = ""
    while looking.wait() and not over.wait(POLL_S):
        rows = get(f"{address}data/runs?sort=-started")["rows"]
        data = get(f"{address}data/run?run={rows[0]['key']}&have={tag}")
        if not data.get("unchanged"):
            looked.append(data)
            tag = data["tag"]

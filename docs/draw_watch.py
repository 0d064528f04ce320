"""Draw the pictures of the page of `watch`: a run in the middle of its training, and runs side by side.

python docs/draw_watch.py
"""

import os
import subprocess
import tempfile
import threading
from contextlib import chdir
from pathlib import Path

from crossbar_hil.bench.file import load_bench
from crossbar_hil.runs.many.listing import Listing
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.watch.server import WatchServer

DOCS = Path(__file__).resolve().parent
CHROMIUM = os.environ.get("CHROMIUM", "chromium")
SWITCHES = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
SWITCHES += " --disable-component-update --disable-sync --hide-scrollbars --virtual-time-budget=4000"
AT = 20
"""The epoch in which the picture of a run is taken."""


def shoot(url, name, width, height):
    path = DOCS / name
    with tempfile.TemporaryDirectory() as profile:
        size = [f"--user-data-dir={profile}", f"--window-size={width},{height}", f"--screenshot={path}"]
        subprocess.run([CHROMIUM, *SWITCHES.split(), *size, url], check=True, stderr=subprocess.DEVNULL)
    print(f"{name}: {path.stat().st_size / 1e3:.0f} kB")


def main():
    with tempfile.TemporaryDirectory() as folder, chdir(folder), WatchServer(Path("runs")) as server:
        out = server.listing.out
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def picture(epoch):
            if epoch.number == AT:
                (key,) = (row.key for row in Listing(out).look() if row.live)
                shoot(f"{server.address}run?run={key}", "watch_run.png", 1200, 760)

        for seed, spread in ((4, "10 %"), (5, "20 %"), (6, "20 %")):
            bench = load_bench("simulated", overrides={"chip": {"device_spread": spread}})
            train_and_record(bench, seed=seed, out=out, label=f"cells {spread} apart, seed {seed}")
        tables = {"name": "left bench", "chip_id": "wafer 3 die A", "limits": {"pulses": 200, "dose_vs": 20.0}}
        bench = load_bench("emulated", preset="reference", overrides=tables)
        train_and_record(bench, seed=3, out=out, label="wafer 3, die A", show=picture)
        keys = {row.cells["label"]: row.key for row in Listing(out).look()}
        side = "&".join(f"run={key}" for label, key in sorted(keys.items()) if "cells" in label)
        shoot(f"{server.address}compare?{side}", "watch_compare.png", 1200, 900)
        server.shutdown()


if __name__ == "__main__":
    main()

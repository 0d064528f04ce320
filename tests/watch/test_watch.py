"""The page that shows runs: who gets an answer, what it says, and that it never says more than it should."""

import http.client
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.runs.many.listing import AT_LEAST, Listing, key_of, select
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.runs.training_run import _settings_at_rest
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.training import train_spiking
from crossbar_hil.watch.server import HOST, WatchServer

HOSTILE = '<script>document.title="hit"</script>"\'&'
SPIKING = SpikingSettings(dataset="digits", classes=(0, 1), neurons=4, train=40, passes=1, steps=20, test_steps=10)
CHROMIUM = "/usr/bin/chromium"


def serve(out):
    server = WatchServer(out)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def out(tmp_path_factory, converged_run, stalled_run):
    """A folder with trainings of the same chip, one of a hostile label, a spiking one, and folders that are damaged."""
    out = tmp_path_factory.mktemp("watched")
    for name, source in (("1_converged", converged_run), ("2_stalled", stalled_run)):
        shutil.copytree(source, out / name)
    for seed, label in ((3, "die A"), (4, HOSTILE)):
        train_and_record(load_bench("simulated", overrides={"chip_id": "die A"}), seed=seed, out=out, label=label)
    train_spiking(SPIKING, seed=1, out=out)
    content = (converged_run / "run.sqlite").read_bytes()
    for name, damaged in (("cut", content[: len(content) // 2]), ("zeros", bytes(5000)), ("text", b"<script>")):
        (out / f"damaged_{name}").mkdir()
        (out / f"damaged_{name}" / "run.sqlite").write_bytes(damaged)
    (out / "2026-01-01T00-00-00Z_manhattan_4x4_abcd").mkdir()
    (out / "no run").mkdir()
    return out


@pytest.fixture(scope="module")
def server(out):
    with serve(out) as server:
        yield server
        server.shutdown()


def ask(server, path, method="GET", hosts=None):
    with closing(http.client.HTTPConnection(HOST, server.server_port, timeout=60)) as connection:
        connection.putrequest(method, path, skip_host=True)
        for host in hosts if hosts is not None else [f"{HOST}:{server.server_port}"]:
            connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def data(server, path):
    status, _, content = ask(server, f"/data/{path}")
    assert status == 200, content
    return json.loads(content)


def keys(server):
    return {row["cells"]["label"] or row["cells"]["name"]: row["key"] for row in data(server, "runs")["rows"]}


def panels_of(found):
    return {each["name"]: each["data"] for each in found["panels"]}


# ---------------------------------------------------------------------- who gets an answer


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "X"]
)
def test_nothing_but_get_is_answered(server, method):
    status, headers, _ = ask(server, "/", method)
    assert (status, headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "hosts", [[], ["evil.example"], ["127.0.0.1"], ["127.0.0.1:1"], ["evil.example:{}"], ["127.0.0.1:{}", "evil"]]
)
def test_a_foreign_host_is_refused(server, hosts):
    assert ask(server, "/data/runs", hosts=[each.format(server.server_port) for each in hosts])[0] == 403


def test_who_comes_by_another_port_is_told_the_address(server):
    status, _, content = ask(server, "/", hosts=["127.0.0.1:1"])
    assert status == 403
    assert server.address in content.decode()
    assert f"the same port on both sides, {server.server_port}" in content.decode()


def test_a_request_that_is_late_ends_its_connection_and_of_too_many_one_is_closed(tmp_path, monkeypatch):
    def sent(connection, text):
        try:
            connection.sendall(text)
            return connection.recv(12)
        except ConnectionError:
            return b""

    whole = f"GET /watch.svg HTTP/1.1\r\nHost: {HOST}:{{}}\r\n\r\n"
    monkeypatch.setattr("crossbar_hil.watch.server.MOST_CONNECTIONS", 1)
    with serve(tmp_path) as server:
        request, place = whole.format(server.server_port).encode(), (HOST, server.server_port)
        with socket.create_connection(place, timeout=60) as first:
            assert sent(first, request) == b"HTTP/1.1 200"
            with socket.create_connection(place, timeout=60) as second:
                assert sent(second, request) == b"", "one more than are answered"
        answer = b""
        while not answer:  # the first has gone
            with socket.create_connection(place, timeout=60) as third:
                answer = sent(third, request)
        assert answer == b"HTTP/1.1 200"
        server.shutdown()
    monkeypatch.setattr("crossbar_hil.watch.server.IDLE_S", 0)
    with serve(tmp_path) as server, socket.create_connection((HOST, server.server_port), timeout=60) as late:
        assert sent(late, whole.format(server.server_port).encode()) == b"", "what comes after its time is not read"
        server.shutdown()


def test_it_listens_on_the_loopback_interface_alone(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert ask(server, "/", hosts=[f"LOCALHOST:{server.server_port}"])[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/watch.js/..", "/listing.py", "/data", "/data/",
     "/file", "/file?run=..", "/run/../../x", "http://evil.example/", "/data/run?run=../1_converged", "/data/run",
     "/data/run?run=1_converged", "/data/compare", "/data/runs?page=-1", "*", "/data/compare?" + 9 * "run=a&",
     "/data/runs?page=" + 5000 * "1"],
)  # fmt: skip
def test_no_address_leads_to_anything_but_the_pages(server, path):
    status, headers, content = ask(server, path)
    assert status in {400, 404}
    assert headers["Content-Type"].startswith("text/plain")
    assert b"root:" not in content
    assert b"Error" not in content
    assert b"conversion" not in content, "words of Python's own"


def test_every_answer_has_its_policy_and_no_page_holds_a_script_or_a_style_of_its_own(server):
    for path in ("/", "/run", "/compare", "/chip", "/panels.js", "/watch.css", "/watch.svg", "/data/runs", "/nothing"):
        _, headers, content = ask(server, path)
        policy = headers["Content-Security-Policy"].split("; ")
        assert "default-src 'self'" in policy, path
        assert "unsafe" not in headers["Content-Security-Policy"], path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        if headers["Content-Type"].startswith("text/html"):
            assert not re.search(rb"<script(?! src=\"/)|<style|style=|\son\w+=|https?:", content), path


def test_nothing_that_the_page_loads_comes_from_elsewhere():
    folder = Path(__file__).parents[2] / "crossbar_hil" / "watch"
    texts = [path.read_text() for path in folder.iterdir() if path.suffix in {".js", ".css", ".svg", ".j2"}]
    assert len(texts) == 5
    found = {each for text in texts for each in re.findall(r"https?:[^\s\"')]*|@import|innerHTML|insertAdjacent", text)}
    assert found == {"http://www.w3.org/2000/svg"}, "a name of a namespace, which nobody fetches"


# ---------------------------------------------------------------------- files


def test_files_of_a_run_are_had_by_keys_and_no_link_is_followed(server, out, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    folder = out / "1_converged"
    (folder / "link.txt").symlink_to(secret)
    (folder / 'od"d\n.txt').write_text("odd")
    run = keys(server)["a <b>label</b>"]
    files = {each["name"]: each["key"] for each in data(server, f"run?run={run}")["files"]}
    assert {"run.sqlite", "bench.toml", 'od"d\n.txt'} <= set(files)
    assert "link.txt" not in files
    for name, key in files.items():
        status, headers, content = ask(server, f"/file?run={run}&file={key}")
        assert (status, content) == (200, (folder / name).read_bytes())
        assert headers["Content-Disposition"].startswith("attachment"), name
    for key in (key_of("link.txt"), key_of("../2_stalled/run.sqlite"), "bench.toml", ""):
        assert ask(server, f"/file?run={run}&file={key}")[0] == 404
    os.unlink(folder / "link.txt")
    os.unlink(folder / 'od"d\n.txt')


def test_pictures_in_a_folder_that_is_a_link_are_not_those_of_the_run(server, out, tmp_path):
    (tmp_path / "elsewhere.png").write_bytes(b"secret")
    (out / "2_stalled" / "figures").symlink_to(tmp_path)
    run = key_of("2_stalled")
    assert not [each for each in data(server, f"run?run={run}")["files"] if "elsewhere" in each["name"]]
    assert ask(server, f"/file?run={run}&file={key_of('figures/elsewhere.png')}")[0] == 404
    (out / "2_stalled" / "figures").unlink()


def test_a_report_is_shown_and_can_run_no_script(server, out):
    (out / "2_stalled" / "report.html").write_text("<script>alert(1)</script>")
    _, headers, _ = ask(server, f"/file?run={key_of('2_stalled')}&file={key_of('report.html')}")
    assert headers["Content-Type"].startswith("text/html")
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "sandbox"} <= set(policy)
    assert not [each for each in policy if each.startswith("script-src")]
    (out / "2_stalled" / "report.html").unlink()


# ---------------------------------------------------------------------- the table


def test_every_run_is_listed_with_a_word_and_no_damaged_one_hides_another(server):
    found = {row["cells"]["name"]: row for row in data(server, "runs")["rows"]}
    words = {name: row["cells"]["verdict"] for name, row in found.items() if name[0] in "12d"}
    assert {name: word for name, word in words.items() if "_manhattan" not in name and "_snn" not in name} == {
        "1_converged": "converged",
        "2_stalled": "stalled",
        "damaged_cut": "unreadable",
        "damaged_zeros": "unreadable",
        "damaged_text": "unreadable",
    }
    assert words["2026-01-01T00-00-00Z_manhattan_4x4_abcd"] == "never began"
    assert "no run" not in found
    assert all(found[name]["why"] for name, word in words.items() if word in {"unreadable", "never began"})
    for row in found.values():
        assert json.loads(ask(server, f"/data/run?run={row['key']}")[2])["key"] == row["key"]


@pytest.mark.parametrize(
    ("fact", "value", "shown"),
    [("error", "NaN", "nan"), ("pulses", "-Infinity", "-inf"), ("label", '["a", NaN]', "['a', nan]"),
     ("label", '"a\\u202egpj.exe\\n"', "a?gpj.exe?"), ("seed", '{"a": 1}', "{a = 1}"),
     ("pulses", f"1{400 * '0'}", 10**400), ("kind", "[[]]", "[[]]")],
)  # fmt: skip
def test_a_fact_that_is_none_hides_no_run(tmp_path, converged_run, fact, value, shown):
    for name in ("odd", "whole"):
        shutil.copytree(converged_run, tmp_path / name)
    with closing(sqlite3.connect(tmp_path / "odd" / "run.sqlite")) as record, record:
        record.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (fact, value))
    both = "&".join(f"run={key_of(name)}" for name in ("odd", "whole"))
    with serve(tmp_path) as server:
        for path in ("runs", f"runs?sort={fact}", f"runs?sort=-{fact}"):
            found = {row["cells"]["name"]: row["cells"] for row in data(server, path)["rows"]}
            assert set(found) == {"odd", "whole"}
            assert found["odd"][fact] == shown
        for path in (f"run?run={key_of('odd')}", f"compare?{both}"):
            assert "error" not in data(server, path)
        server.shutdown()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_the_place_of_patterns_keeps_nobody_waiting(tmp_path, converged_run):
    shutil.copytree(converged_run, tmp_path / "run")
    (tmp_path / "run" / "patterns.csv").unlink()
    os.mkfifo(tmp_path / "run" / "patterns.csv")
    with serve(tmp_path) as server:
        assert data(server, f"run?run={key_of('run')}")["error"].endswith(
            "patterns.csv cannot be read: it is no plain file"
        )
        server.shutdown()


@pytest.mark.parametrize("ending", ["", "-wal"])
def test_a_record_that_never_ends_keeps_nobody_waiting(tmp_path, converged_run, ending, monkeypatch):
    monkeypatch.setattr("crossbar_hil.guard.database.STEPS", 1_000_000)  # a tenth of those that are waited for
    for name in ("endless", "whole"):
        shutil.copytree(converged_run, tmp_path / name)
    with closing(sqlite3.connect(tmp_path / "endless" / "run.sqlite")) as record:
        record.executescript(
            "DROP TABLE setting; CREATE VIEW setting AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT i AS name, i AS value FROM n WHERE i < 0"
        )
    if ending:  # so that it is opened as one that is being written
        (tmp_path / "endless" / f"run.sqlite{ending}").touch()
    found = {row.cells["name"]: row for row in Listing(tmp_path).look()}
    assert found["whole"].cells["verdict"] == "converged"
    assert found["endless"].cells["verdict"] == "unreadable"
    assert found["endless"].why.endswith("takes more steps than a file of its size can take")
    assert _settings_at_rest(tmp_path / "whole"), "what is read after it is read as quickly as before"


def test_rows_are_chosen_and_sorted_by_what_a_person_types(out):
    rows = Listing(out).look()
    assert [row.cells["label"] for row in select(rows, text="DIE script")] == [HOSTILE]
    assert {row.cells["verdict"] for row in select(rows, verdict="stalled")} == {"stalled"}
    assert {row.cells["kind"] for row in select(rows, kind="simulated", bench="simulated")} == {"simulated"}
    assert select(rows, since="2999-01-01") == select(rows, kind="hardware") == []
    assert [row.folder.name for row in select(rows, until="2026-01-01", since="2026-01-01")] == [
        "2026-01-01T00-00-00Z_manhattan_4x4_abcd"
    ]
    pulses = [row.cells["pulses"] for row in select(rows, sort="-pulses")]
    known = [each for each in pulses if each is not None]
    assert known == sorted(known, reverse=True)
    assert pulses[len(known) :] == [None] * (len(rows) - len(known)), "what is not known comes last, whichever way"
    assert select(rows, sort="error")[0].cells["error"] == 0


def test_many_runs_are_read_part_by_part_the_newest_first_and_each_once(tmp_path, converged_run, monkeypatch):
    read = []
    monkeypatch.setattr(
        "crossbar_hil.runs.many.listing.load_run", lambda folder: read.append(folder) or load_run(folder)
    )
    for number in range(AT_LEAST + 50):
        folder = tmp_path / f"2026-01-01T00-00-00Z_manhattan_4x4_{number:04x}"
        folder.mkdir()
        os.link(converged_run / "run.sqlite", folder / "run.sqlite")
    ticks = iter(range(10**6))
    listing = Listing(tmp_path, clock=lambda: float(next(ticks)))  # each look at the clock is a second later
    rows = listing.look()
    assert (len(rows), listing.unread) == (AT_LEAST, 50)
    assert rows[0].folder.name.endswith(f"{AT_LEAST + 49:04x}")
    assert rows[0].cells["verdict"] == "converged"
    version = listing.version
    assert (len(listing.look()), listing.unread) == (AT_LEAST + 50, 0)
    assert listing.version > version
    version = listing.version
    assert len(listing.look()) == AT_LEAST + 50
    assert listing.version == version
    assert len(read) == AT_LEAST + 50, "what has not changed is not opened again"
    shutil.rmtree(folder)
    assert len(listing.look()) == AT_LEAST + 49


# ---------------------------------------------------------------------- one run


def test_a_training_is_shown_epoch_by_epoch_while_it_goes_on(tmp_path):
    seen = []
    with serve(tmp_path) as server:

        def look(epoch):
            found = data(server, f"run?run={data(server, 'runs')['rows'][0]['key']}")
            panels = panels_of(found)
            seen.append((found["standing"]["done"], found["cells"]["verdict"], found["phase"]))
            assert np.allclose(panels["conductance"]["values"], epoch.conductances, rtol=1e-3)
            assert np.allclose(panels["activations"]["values"], epoch.activations, rtol=1e-5)
            assert panels["error"]["series"][0]["y"][-1] == pytest.approx(epoch.error, rel=1e-5)

            if epoch.number == 2:
                kept.append(kept_of(found, server))

        kept = []
        train_and_record(load_bench("simulated"), seed=1, out=tmp_path, show=look)
        row = data(server, "runs")["rows"][0]
        ended = data(server, f"run?run={row['key']}")
        server.shutdown()
    assert seen == [(number, "running", "training") for number in range(1, len(seen) + 1)]
    assert (ended["phase"], ended["standing"]["done"], ended["left_s"]) == ("done", len(seen), None)
    (tmp_path / "kept.sqlite").write_bytes(*kept)
    with closing(sqlite3.connect(tmp_path / "kept.sqlite")) as record:
        assert record.execute("SELECT epoch FROM epoch ORDER BY epoch").fetchall() == [(1,), (2,)], "whole, as it was"


def kept_of(found, server):
    """Return the record of a run as it is handed out while it is written, its log beside it."""
    run, files = found["key"], {each["name"]: each for each in found["files"]}
    status, _, content = ask(server, f"/file?run={run}&file={files['run.sqlite']['key']}")
    assert status == 200
    return content


def test_a_journal_that_is_being_written_is_not_handed_out_and_not_opened(server, out):
    folder = out / "1_converged"
    for name in ("journal.sqlite", "journal.sqlite-wal"):
        (folder / name).write_bytes(b"written by its guard")
    run = key_of(folder.name)
    files = {each["name"]: each["kept"] for each in data(server, f"run?run={run}")["files"]}
    assert [name for name, kept in files.items() if kept] == ["journal.sqlite"]
    status, _, content = ask(server, f"/file?run={run}&file={key_of('journal.sqlite')}")
    assert (status, b"until who writes it has ended" in content) == (409, True)
    for name in ("journal.sqlite", "journal.sqlite-wal"):
        (folder / name).unlink()


def test_panels_of_a_training_are_those_of_its_result(server, out):
    result = load_run(out / "2_stalled").result
    panels = panels_of(data(server, f"run?run={key_of('2_stalled')}"))
    assert panels["pulses"]["values"] == result.counts.sum(axis=0).tolist()
    assert panels["conductance"]["marks"]["saturated"] == np.argwhere(result.saturated).tolist()
    assert np.allclose(panels["cells"]["y"], np.moveaxis(result.conductances, 0, -1), rtol=1e-3)
    errors = panels["error"]["series"][0]
    assert np.allclose(errors["y"], result.errors[np.array(errors["x"], dtype=int) - 1], rtol=1e-5)


def test_the_cells_of_a_network_are_named_by_its_layers(tmp_path):
    bench = load_bench("simulated", task="xor", overrides={"training": {"epochs": 2}})
    panels = {each.name: each.data for each in load_run(train_and_record(bench, seed=1, out=tmp_path).folder).panels()}
    assert panels["cells"]["columns"] == ["h1+", "h1−", "o1+", "o1−"]
    assert panels["cells"]["rows"] == panels["conductance"]["rows"] == ["x1", "x2", "bias", "h1"]


def test_a_spiking_run_names_the_window_of_its_accuracy_and_shows_its_fields(server, out):
    (folder,) = out.glob("*snn*")
    found = data(server, f"run?run={key_of(folder.name)}")
    record = load_run(folder).progress.record
    accuracy = panels_of(found)["accuracy"]["series"][0]
    late = record[record[:, 0] > 30]  # of 40 images the last ten, as an eighth of them would be five
    assert accuracy["y"][-1] == pytest.approx(100 * late[:, 1].sum() / 10)
    assert "last 10 images" in next(each["title"] for each in found["panels"] if each["name"] == "accuracy")
    assert panels_of(found)["fields"]["shape"] == [8, 8]
    assert found["standing"]["most"] == found["standing"]["done"] == 40


def test_a_run_that_is_cut_off_says_so(server, out, converged_run):
    folder = out / "1_cut_off"
    shutil.copytree(converged_run, folder)
    with closing(sqlite3.connect(folder / "run.sqlite")) as record, record:
        record.execute("UPDATE setting SET value = '\"running\"' WHERE name = 'status'")
    found = data(server, f"run?run={key_of('1_cut_off')}")
    assert (found["phase"], found["cells"]["verdict"]) == ("cut off", "cut off")
    shutil.rmtree(folder)


def test_what_has_not_changed_is_not_sent_again(server):
    for path in ("runs?", f"run?run={key_of('1_converged')}&", f"compare?run={key_of('1_converged')}&"):
        tag = data(server, path)["tag"]
        assert data(server, f"{path}have={tag}")["unchanged"] is True


# ---------------------------------------------------------------------- several runs


def test_settings_that_differ_stand_apart_from_those_that_do_not(server):
    found = data(server, f"compare?run={key_of('1_converged')}&run={key_of('2_stalled')}")
    differ = {each["key"]: each["texts"] for each in found["differ"]}
    assert differ["training.beta"] == ["5e+07 1/A", "100000 1/A"]
    assert all(len(set(texts)) > 1 for texts in differ.values())
    assert all(len(set(each["texts"])) == 1 for each in found["same"])
    assert {each["name"] for each in found["panels"][0]} >= {"error", "conductance", "activations"}


def test_the_life_of_a_chip_is_the_sum_of_its_runs(server, out):
    runs = sorted((load_run(path.parent) for path in out.glob("*_manhattan_*/run.sqlite")), key=lambda run: run.name)
    assert len(runs) == 2
    found = data(server, f"chip?run={key_of(runs[0].name)}")
    assert [each["cells"]["label"] for each in found["runs"]] == [run.facts["label"] for run in runs]
    pulses = sum(run.result.counts.sum(axis=0) for run in runs)
    panels = panels_of(found)
    assert panels["pulses"]["values"] == pulses.tolist()
    assert np.allclose(panels["dose"]["values"], pulses * 2.0 * 0.05, rtol=1e-3), "pulses of 2 V and 50 ms"
    ends = [conductances for run in runs for conductances in (run.result.conductances[0], run.result.conductances[-1])]
    assert np.allclose(np.moveaxis(panels["life"]["y"], -1, 0)[:-1], ends, rtol=1e-3)


# ---------------------------------------------------------------------- a browser, and the command


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no browser to look with: {CHROMIUM} is not installed")
def test_a_browser_shows_a_hostile_label_as_text_and_the_run_with_its_map(server, out, tmp_path):
    run = keys(server)[HOSTILE]
    found = data(server, f"run?run={run}")
    switches = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    switches += f" --disable-component-update --disable-sync --user-data-dir={tmp_path} --virtual-time-budget=3000"
    command = [CHROMIUM, *switches.split(), "--dump-dom", f"{server.address}run?run={run}"]
    page = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    assert '<h1>&lt;script&gt;document.title="hit"&lt;/script&gt;"\'&amp;</h1>' in page
    assert "<title>hit" not in page
    assert re.search(rf"<b>{found['standing']['done']} / 48</b>epochs", page)
    values = np.array(panels_of(found)["conductance"]["values"])
    section = page[page.index('data-panel="conductance"') :].partition("</section>")[0]
    shown = [float(each) for each in re.findall(r"<td style=\"background: rgb[^>]*>([\d.]+)", section)]
    assert np.allclose(shown, 1e6 * values.ravel(), rtol=5e-3), "in microsiemens, row by row"


def test_the_verb_prints_the_address_and_ends_with_ctrl_c(cli, monkeypatch, converged_run):
    def interrupted(self):
        raise KeyboardInterrupt

    opened = []
    monkeypatch.setattr(WatchServer, "serve_forever", interrupted)
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setenv("DISPLAY", ":0")
    quiet = cli("watch", "--no-browser")
    assert quiet.code == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\n", quiet.out)
    assert opened == []
    one = cli("watch", converged_run)
    assert one.out.endswith(f"/run?run={key_of(converged_run.name)}\n")
    assert opened == [one.out.strip()]


def test_the_verb_says_what_it_cannot_show(cli, tmp_path):
    (tmp_path / "file").write_text("")
    assert "file is a file" in cli("watch", "file").err
    with serve(tmp_path) as taken:
        told = cli("watch", "--no-browser", "--port", taken.server_port)
        taken.shutdown()
    assert told.code == 1
    assert f"port {taken.server_port} cannot be had" in told.err

"use strict";
// The four pages, each of which asks /data/... again and again and draws what it says; nothing is loaded from elsewhere.

const main = document.getElementById("main");
const query = () => new URLSearchParams(location.search);
const LETTERS = "ABCDEFGH";
const SIGNS = { converged: "✓", done: "✓", slow: "◔", stalled: "■", failed: "✕", interrupted: "‖", "cut off": "‖", unreadable: "?", "never began": "–" };
const KEYS = [["/", "filter the runs"], ["↑ ↓", "go through the runs"], ["Enter", "open a run"], ["Space", "choose it for comparing"],
  ["c", "compare those that are chosen"], ["r", "back to the runs"], ["?", "these keys"]];
const PHASES = ["opening", "reading", "pulsing", "making safe"];
const AS_PHASE = { replaying: "opening", ready: "between two operations" };

const moment = (utc) => utc ? utc.slice(0, 16).replace("T", " ") : "–";
const named = ({ cells }) => cells.label || cells.name;
const brief = ({ cells }) => cells.label || cells.name.replace(/^[^_]*_/, "");
const folded = (title, ...inside) => h("details", {}, h("summary", {}, title), inside);
const block = (value, what, ...more) => h("div", {}, h("b", {}, value), what, more);
const table = (head, body, kind) => h("div", { class: "scroll" }, h("table", { class: kind ?? "settings" }, heads(head), h("tbody", {}, body)));
const letter = (at) => h("span", { class: `letter c${at + 1}` }, LETTERS[at]);

function duration(seconds) {
  const whole = Math.max(Math.round(seconds), 0), minutes = Math.floor(whole / 60), hours = Math.floor(minutes / 60);
  if (seconds < 0.5) return "under 1 s";
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours ? `${hours} h ${minutes % 60} min` : minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
function size(bytes) {
  const power = bytes ? Math.min(Math.floor(Math.log10(bytes) / 3), 3) : 0;
  return `${power ? (bytes / 1000 ** power).toPrecision(3) : bytes} ${["B", "kB", "MB", "GB"][power]}`;
}
function word({ cells, live }) {
  const text = cells.verdict ?? "–", kind = ["converged", "done"].includes(text) ? "good" : live && text !== "cut off" ? "live" : "warn";
  return h("span", { class: `word ${kind}`, "data-sign": SIGNS[text] ?? (live ? "▶" : "•") }, text);
}

const PAGES = {
  "/": {
    url: () => `/data/runs?${new URLSearchParams({ sort: "-started", ...Object.fromEntries(query()) })}`,
    pause: 1000,
    begin() {
      const field = (name, what, type) => h("label", { class: type === "date" ? "day" : name }, what,
        h("input", { type, id: name, value: query().get(name) ?? "", oninput: (event) => this.change(name, event.target.value) }));
      const choice = (name) => h("label", {}, name, h("select", { id: name, onchange: (event) => this.change(name, event.target.value) }));
      const compare = () => { location.href = `/compare?${[...this.picked].map((key) => `run=${key}`).join("&")}`; };
      this.picked = new Set();
      this.compare = h("button", { title: "Choose two to eight runs (space), then compare them (c)", onclick: compare });
      this.count = h("span", { class: "count soft" });
      this.table = h("div");
      main.replaceChildren(h("div", { class: "tools" }, field("text", "Filter (/)", "search"), choice("kind"), choice("bench"), choice("verdict"),
        field("since", "from", "date"), field("until", "until", "date"), this.compare, this.count), this.table);
      this.pick();
    },
    change(name, value) {
      const now = query();
      if (value) now.set(name, value);
      else now.delete(name);
      if (name !== "page") now.delete("page");
      history.replaceState(null, "", `?${now}`);
      tag = "";
      ask();
    },
    pick(key, chosen) {
      if (key) this.picked[chosen ? "add" : "delete"](key);
      this.compare.textContent = this.picked.size ? `Compare ${this.picked.size}` : "Compare";
      this.compare.disabled = this.picked.size < 2 || this.picked.size > 8;
    },
    show(data) {
      for (const [name, values] of Object.entries(data.facets)) {
        const select = document.getElementById(name), now = query().get(name) ?? "", wanted = ["", ...new Set(now ? [...values, now] : values)];
        const same = [...select.options].map((each) => each.value).join("\n") === wanted.join("\n");
        if (!same) select.replaceChildren(...wanted.map((each) => h("option", { value: each }, each || "all")));
        select.value = now;
      }
      const of = data.found === data.all ? "" : `${short(data.found)} of `, left = data.unread ? `, ${short(data.unread)} still to be read` : "";
      this.count.textContent = `${of}${short(data.all)} run${data.all === 1 ? "" : "s"}${left}`;
      const focused = document.activeElement?.dataset?.key;
      show(this.table, data.rows.length ? [this.rows(data), this.pager(data)]
        : [h("p", { class: "soft" }, data.all ? "No run fits." : "No runs here yet. They appear as soon as they begin: crossbar-hil train")]);
      if (focused) document.querySelector(`[data-key="${focused}"]`)?.focus();
      return data.unread ? 1 : null;
    },
    rows(data) {
      const sort = query().get("sort") ?? "-started", down = sort[0] === "-";
      const head = (column, name, kind) => {
        const by = sort.replace("-", "") === column, other = sort === `-${column}` ? column : `-${column}`;
        return h("th", { class: kind ?? column, scope: "col", "aria-sort": by ? (down ? "descending" : "ascending") : null },
          h("button", { onclick: () => this.change("sort", other) }, name, by ? (down ? " ↓" : " ↑") : ""));
      };
      const body = data.rows.map((each) => {
        const { cells, key, why } = each, choose = (event) => this.pick(key, event.target.checked);
        const box = h("input", { type: "checkbox", "aria-label": `compare ${named(each)}`, onchange: choose });
        box.checked = this.picked.has(key);
        const more = h("span", { class: why ? "mono" : "mono id" }, why || (cells.label ? cells.name.replace(/^[^_]*_/, "") : ""));
        return row(cell(box, "pick"), cell(moment(cells.started), "started nowrap"), cell([h("a", { href: `/run?run=${key}`, "data-key": key }, brief(each)), more], "run"),
          cell(cells.kind ?? "–", "kind"), cell(cells.bench ?? "–", "bench"), cell(word(each)), cell(short(cells.steps), "num steps-cell"),
          cell(short(cells.pulses), "num pulses"), cell(short(cells.error), "num error"), cell(cells.seed ?? "–", "num seed"));
      });
      return h("table", { class: "runs" }, h("thead", {}, row(h("th", { class: "pick" }), head("started", "Started (UTC)"), head("label", "Run"),
        head("kind", "Kind"), head("bench", "Bench"), head("verdict", "Verdict"), head("steps", "Steps", "num steps-cell"),
        head("pulses", "Pulses", "num pulses"), head("error", "Error", "num error"), head("seed", "Seed", "num seed"))), h("tbody", {}, body));
    },
    pager(data) {
      if (data.pages < 2) return h("span");
      const turn = (page, name) => h("button", { disabled: page < 0 || page >= data.pages, onclick: () => this.change("page", String(page)) }, name);
      return h("div", { class: "pager" }, turn(data.page - 1, "Back"), `page ${data.page + 1} of ${data.pages}`, turn(data.page + 1, "On"));
    },
    key(event) {
      const links = [...document.querySelectorAll("[data-key]")], at = links.indexOf(document.activeElement), way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (way) links[between(at + way, 0, links.length - 1)]?.focus();
      else if (event.key === " " && at >= 0) links[at].closest("tr").querySelector("input").click();
      else if (event.key === "c" && !this.compare.disabled) this.compare.click();
      else if (event.key === "/") document.getElementById("text").focus();
      else return;
      event.preventDefault();
    },
  },
  "/run": {
    url: () => `/data/run?${query()}`,
    pause: 600,
    show(data) {
      this.data = data;
      this.panels ??= h("div", { class: "panels" });
      document.title = `${named(data)} · crossbar-hil`;
      const open = [...main.querySelectorAll("details")].map((each) => each.open);
      main.replaceChildren(...[...this.head(data), this.phases(data), this.numbers(data), this.panels, ...this.rest(data)].filter(Boolean));
      main.querySelectorAll("details").forEach((each, at) => { each.open = open[at] ?? false; });
      show(this.panels, data.panels.map(panel));
      this.tick(data.now);
    },
    head(data) {
      const { cells } = data, bench = cells.bench && cells.bench !== cells.kind ? `, bench ${cells.bench}` : "";
      return [
        h("div", { class: "head" }, h("h1", {}, named(data)), word(data), h("span", { class: "soft" }, cells.kind ? `${cells.kind}${bench}` : ""),
          data.chip ? h("a", { href: `/chip?run=${data.key}` }, `chip ${data.chip}`) : null, h("span", { class: "mono soft" }, cells.label ? cells.name : "")),
        data.why ? h("p", { class: "note" }, data.why) : null,
        data.reason ? h("p", { class: "reason soft" }, data.reason) : null,
        data.phase === "cut off" ? h("p", { class: "note" }, "It has not ended, and no process works on it: it was cut off. What was done is kept: crossbar-hil resume goes on with it and repeats no pulse.") : null,
      ];
    },
    phases(data) {
      if (!data.guarded || !data.live || data.phase === "cut off") return null;
      const now = AS_PHASE[data.phase] ?? data.phase, all = PHASES.includes(now) ? PHASES : [...PHASES, now];
      return h("ol", { class: "steps", "aria-label": "what the bench is doing" }, all.map((each) => h("li", { "aria-current": each === now ? "step" : null }, each)));
    },
    numbers({ standing, live, left_s: left }) {
      if (!standing) return null;
      const most = standing.most ? ` / ${short(standing.most)}` : "", full = h("i");
      full.style.width = `${100 * Math.min(standing.most ? standing.done / standing.most : 0, 1)}%`;
      this.clock = h("b");
      return h("div", { class: "numbers" }, block(`${short(standing.done)}${most}`, `${standing.noun}${most && live ? " at most" : ""}`, most ? h("i", {}, full) : null),
        standing.numbers.map(([value, what]) => block(value, what)), h("div", {}, this.clock, live ? "elapsed" : "took"),
        left === null ? null : block(duration(left), "left at most, at the pace of late"));
    },
    rest(data) {
      const heading = (text) => h("th", { scope: "row" }, text), found = [];
      if (data.details?.length) found.push(folded("What else is to be said", data.details.map((each) => h("p", { class: "reason" }, each))));
      if (data.changed) {
        const lines = data.changed.map(([key, text, usual, about]) => row(h("th", { scope: "row", class: "mono" }, broken(key)), cell(text), cell(usual, "soft rest"), cell(about, "soft rest")));
        found.push(h("h2", {}, "Settings that differ from their defaults"), lines.length ? table(["setting", "value", "default", ""], lines, "settings own") : h("p", { class: "soft" }, "None."));
      }
      const files = data.files.map((each) => h("li", {},
        each.kept ? each.name : h("a", { href: `/file?run=${data.key}&file=${each.key}` }, each.report ? "report.html, the report on one page" : each.name),
        h("span", { class: "soft" }, each.kept ? " in use until the bench is safe" : ` ${size(each.bytes)}`)));
      found.push(h("h2", {}, "Report and files"), h("ul", { class: "files" }, files));
      if (!data.why && !data.files.some((each) => each.report)) found.push(h("p", { class: "soft" }, "No report is written yet: crossbar-hil report makes one."));
      if (data.facts) found.push(folded("Every fact of the record", table(["fact", "value"], data.facts.map(([name, text]) => row(heading(name), cell(text))), "settings facts")));
      return found;
    },
    tick(now) {
      const { elapsed_s: elapsed, live, phase, now: then } = this.data, since = live && phase !== "cut off" ? (new Date(now) - new Date(then)) / 1000 : 0;
      if (this.clock) this.clock.textContent = duration(elapsed + since);
    },
  },
  "/compare": {
    url: () => `/data/compare?${query()}`,
    pause: 1000,
    show(data) {
      const same = data.same.map((each) => row(h("th", { scope: "row" }, broken(each.key)), cell(each.texts[0]))), grid = h("div", { class: "panels" });
      main.replaceChildren(h("h1", {}, `${data.runs.length} runs side by side`),
        h("p", { class: "head" }, data.runs.map((each, at) => h("span", {}, letter(at), h("a", { href: `/run?run=${each.key}` }, named(each)), " ", word(each)))),
        h("h2", {}, "Settings that differ"), data.differ.length ? this.side(data, data.differ) : h("p", { class: "soft" }, "None of those that all of them have."),
        data.partly.length ? folded(`${data.partly.length} settings that not all of them have`, this.side(data, data.partly)) : "",
        h("h2", {}, "How they went"), this.side(data, data.outcome), grid,
        folded(`${data.same.length} settings that are the same`, table(["setting", "value"], same)));
      show(grid, this.boxes(data));
    },
    side(data, found) {
      const lines = found.map((each) => row(h("th", { scope: "row", title: each.about }, broken(each.key)),
        each.texts.map((text) => cell(text || "–", text === each.texts[0] ? "" : "other"))));
      const box = table(["", ...data.runs.map((_, at) => letter(at))], lines, "settings side");
      box.firstChild.style.minWidth = `${7 + 5.5 * data.runs.length}rem`;
      return box;
    },
    boxes(data) {
      const together = [], apart = [];
      for (const name of new Set(data.panels.flat().map((each) => each.name))) {
        const found = data.panels.map((list) => list.find((each) => each.name === name)), some = found.find(Boolean);
        if (some.form === "lines") {
          const series = found.flatMap((each, at) => each ? each.data.series.map((line) => ({ ...line, name: LETTERS[at], at })) : []);
          const least = found.map((each) => each?.data.linear_below).filter(Boolean), below = least.length ? Math.min(...least) : null;
          together.push(panel({ ...some, about: "", data: { ...some.data, series, levels: {}, linear_below: below } }));
        } else if (some.form === "map" || some.form === "targets") {  // maps on one scale
          const values = found.flatMap((each) => each?.data.values.flat() ?? []).filter(Number.isFinite), ends = { low: Math.min(...values), high: Math.max(...values) };
          found.forEach((each, at) => each && apart.push(panel({ ...each, title: `${LETTERS[at]}  ${each.title}`, data: { ...each.data, ...ends } })));
        }
      }
      return [...together, ...apart];
    },
  },
  "/chip": {
    url: () => `/data/chip?${query()}`,
    pause: 2000,
    show(data) {
      const grid = h("div", { class: "panels" }), many = data.runs.length;
      const lines = data.runs.map((each, at) => row(cell(String(at + 1)), cell(h("a", { href: `/run?run=${each.key}` }, named(each))),
        cell(moment(each.cells.started), "nowrap"), cell(word(each)), cell(short(each.sent)), cell(`${short(each.dose_vs)} V s`)));
      main.replaceChildren(h("div", { class: "head" }, h("h1", {}, many ? `Chip ${data.chip}` : "No chip"),
        h("span", { class: "soft" }, many ? `${data.kind}, ${many} run${many > 1 ? "s" : ""} in this folder` : "None of its runs has a chip_id and an epoch.")),
      grid, many ? table(["", "run", "started (UTC)", "verdict", "pulses", "dose"], lines, "settings life") : "");
      show(grid, data.panels.map(panel));
    },
  },
};

// ---------------------------------------------------------------- asking again and again

const page = PAGES[document.body.dataset.page], state = document.getElementById("state");
let tag = "", timer = 0, asked = 0;

async function ask() {
  clearTimeout(timer);
  const mine = ++asked, began = performance.now();
  let pause = page.pause;
  try {
    const url = page.url(), answer = await fetch(`${url}${url.includes("?") ? "&" : "?"}have=${tag}`);
    const data = answer.ok ? await answer.json() : { error: await answer.text() };
    if (mine !== asked) return;
    if (data.error) main.replaceChildren(h("p", { class: "note" }, data.error), h("p", {}, h("a", { href: "/" }, "All runs of this folder")));
    else if (data.unchanged) page.tick?.(data.now);
    else {
      pause = page.show(data) ?? pause;
      tag = data.tag;
    }
    state.className = "";
    state.textContent = data.now ? `as of ${data.now.slice(11, 19)} UTC` : "";
  } catch (error) {
    if (mine !== asked) return;
    console.error(error);
    state.className = "lost";
    state.textContent = "not connected: crossbar-hil watch has ended";
    pause = 3000;
  }
  // Whoever looks on takes a tenth of a processor at most, and less while nobody sees the page.
  timer = setTimeout(ask, Math.max(document.hidden ? 5000 : pause, pause > 1 ? 9 * (performance.now() - began) : 1));
}

const help = h("dialog", { "aria-label": "keys" }, h("h3", {}, "Keys"), h("table", {}, h("tbody", {}, KEYS.map(([key, what]) => row(cell(h("kbd", {}, key)), cell(what))))));
document.body.append(help);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") document.activeElement?.blur();
  if (["INPUT", "SELECT"].includes(event.target.tagName) && event.target.type !== "checkbox") return;
  if (event.key === "?") help[help.open ? "close" : "showModal"]();
  else if (event.key === "r") location.href = "/";
  else page.key?.(event);
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
page.begin?.();
ask();

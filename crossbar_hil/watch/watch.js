"use strict";
// Draws what /data/... says. All text is put in as text, never as markup; nothing is loaded from elsewhere.

const h = (tag, props, ...inside) => fill(document.createElement(tag), props, inside);
const s = (tag, props, ...inside) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, inside);
const query = () => new URLSearchParams(location.search);
const main = document.getElementById("main");
const LETTERS = "ABCDEFGH";
const DASHES = ["", "6 3", "2 3", "8 3 2 3", "12 3", "4 2", "1 3", "10 2 2 2"];
const SIGNS = { converged: "✓", done: "✓", slow: "◔", stalled: "■", failed: "✕", interrupted: "‖", "cut off": "‖", unreadable: "?",
  "never began": "–", broken: "✕", safe: "■" };
const ENDED_WELL = ["converged", "done"], NOT_LIVE = ["slow", "stalled", "failed", "interrupted", "cut off", "unreadable", "never began", "broken"];
const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];

function fill(element, props, inside) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...inside.flat(2).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

// ---------------------------------------------------------------- numbers

function prefix(values, unit) {
  if (!unit || unit === "V s") return [1, unit];
  const largest = Math.max(...values.filter(Number.isFinite).map(Math.abs), 0);
  const power = largest ? Math.min(Math.max(3 * Math.floor(Math.log10(largest) / 3), -12), 0) : 0;
  return [10 ** -power, { "-12": "p", "-9": "n", "-6": "µ", "-3": "m", 0: "" }[power] + unit];
}
const short = (value) => value === null || value === undefined ? "–" : Number.isInteger(value) ? value.toLocaleString("en") : String(Number(value.toPrecision(3)));
const moment = (utc) => utc ? utc.slice(0, 16).replace("T", " ") : "–";
function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.max(Math.round(seconds), 0), minutes = Math.floor(whole / 60), hours = Math.floor(minutes / 60);
  if (seconds < 10) return `${seconds.toPrecision(2)} s`;
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours ? `${hours} h ${minutes % 60} min` : minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
function size(bytes) {
  const power = bytes ? Math.min(Math.floor(Math.log10(bytes) / 3), 3) : 0;
  return `${power ? (bytes / 1000 ** power).toPrecision(3) : bytes} ${["B", "kB", "MB", "GB"][power]}`;
}
function colour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1), below = Math.min(Math.floor(place), VIRIDIS.length - 2);
  const of = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  const [low, high] = [of(VIRIDIS[below]), of(VIRIDIS[below + 1])];
  return low.map((each, at) => Math.round(each + (high[at] - each) * (place - below)));
}
const word = (text, live) => h("span", { class: `word ${ENDED_WELL.includes(text) ? "good" : live && !NOT_LIVE.includes(text) ? "live" : "warn"}`,
  "data-sign": SIGNS[text] ?? (live ? "▶" : "•") }, text);

// ---------------------------------------------------------------- panels

const DRAW = { lines, map, cells, fields, targets, bars };

function panel(each, across) {
  const box = h("section", { class: `panel ${each.form}`, "data-panel": each.name }, h("h3", {}, each.title), h("p", { class: "about" }, each.about));
  if (each.form === "fields" || each.form === "cells" && each.data.y[0].length > 4) box.classList.add("wide");
  box.draw = () => { while (box.children.length > 2) box.lastChild.remove(); box.append(...DRAW[each.form](each.data, Math.max(box.clientWidth - 30, 200), across)); };
  return box;
}
function show(parent, found) {
  parent.replaceChildren(...found);
  for (const box of found) box.draw?.();
}
addEventListener("resize", () => document.querySelectorAll(".panel").forEach((box) => box.draw?.()));

function scaleOf(data, values) {
  const levels = Object.values(data.levels ?? {}), every = [...values, ...levels].filter(Number.isFinite);
  let low = data.low ?? Math.min(...every), high = Math.max(...every, low + 1e-12);
  if (data.linear_below) {
    const least = data.linear_below, as = (value) => Math.log10(1 + Math.max(value, 0) / least), top = as(high) || 1, marks = [0];
    for (let mark = least; mark <= high * 1.0001; mark *= 10) marks.push(mark);
    return [(value) => as(value) / top / 1.03, marks.filter((_, at) => at === 0 || (marks.length - at - 1) % Math.ceil(marks.length / 6) === 0)];
  }
  if (high - low < 1e-12) high = low + 1;
  const pad = (high - low) * 0.05, begin = data.low ?? low - pad, span = high + pad - begin;
  return [(value) => (value - begin) / span, steps(begin, begin + span, 5)];
}
function steps(low, high, count) {
  const rough = (high - low) / count || 1, unit = 10 ** Math.floor(Math.log10(rough)), step = unit * [1, 2, 5, 10].find((each) => each * unit >= rough * 0.999);
  const marks = [];
  for (let mark = Math.ceil(low / step) * step; mark <= high + step * 1e-6; mark += step) marks.push(Number(mark.toPrecision(12)));
  return marks;
}

function lines(data, width) {
  const height = Math.round(Math.min(Math.max(width * 0.5, 170), 260)), left = 52, right = 12, top = 10, bottom = 34;
  const xs = data.series.flatMap((each) => each.x), first = Math.min(...xs), last = Math.max(...xs, first + 1);
  const [share, marks] = scaleOf(data, data.series.flatMap((each) => each.y));
  const x = (value) => left + (value - first) / (last - first) * (width - left - right), y = (value) => height - bottom - share(value) * (height - top - bottom);
  const ends = [], svg = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${data.y_label} against ${data.x_label}` });
  for (const mark of marks.filter((each, at) => !at || y(marks[0]) - y(each) > 12)) svg.append(s("line", { class: "grid", x1: left, x2: width - right, y1: y(mark), y2: y(mark) }), s("text", { x: left - 6, y: y(mark) + 4, "text-anchor": "end" }, short(mark)));
  for (const mark of steps(first, last, Math.max(width / 90, 2)).filter(Number.isInteger)) svg.append(s("text", { x: x(mark), y: height - bottom + 15, "text-anchor": "middle" }, short(mark)));
  for (const [name, value] of Object.entries(data.levels)) svg.append(s("line", { class: "level", x1: left, x2: width - right, y1: y(value), y2: y(value) }), s("text", { x: width - right, y: y(value) + (share(value) > 0.5 ? 13 : -4), "text-anchor": "end" }, name));
  data.series.forEach((each, at) => {
    const place = each.at ?? at, points = each.x.map((value, index) => [x(value), y(each.y[index])]).filter((point) => point.every(Number.isFinite));
    svg.append(s("polyline", { class: `line c${place % 8 + 1}`, "stroke-dasharray": data.series.length > 1 ? DASHES[place % 8] : null, points: points.map((point) => point.map((value) => value.toFixed(1)).join()).join(" ") }));
    if (points.length === 1) svg.append(s("circle", { class: `c${place % 8 + 1}`, cx: points[0][0], cy: points[0][1], r: 2.5 }));
    if (each.at !== undefined && points.length) ends.push([points.at(-1)[1], points.at(-1)[0], each.name]);
  });
  let above = 0;  // names at the ends of lines, none on another
  for (const [at, beside, name] of ends.sort((one, other) => one[0] - other[0])) {
    above = Math.max(at - 5, above + 12);
    svg.append(s("text", { class: "strong", x: Math.min(beside + 4, width - 9), y: above }, name));
  }
  svg.append(s("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }),
    s("text", { x: width - right, y: height - 4, "text-anchor": "end" }, data.x_label), s("text", { x: 2, y: height - 4 }, data.y_label === "%" ? "%" : data.y_label));
  return [svg];
}

function map(data, width) {
  const every = data.values.flat(), known = every.filter(Number.isFinite), low = data.low ?? Math.min(...known), high = data.high ?? Math.max(...known), [factor, unit] = prefix([low, high], data.unit);
  const share = (value) => high > low ? (value - low) / (high - low) : 0;
  const marked = (row, column) => Object.entries(data.marks).filter(([, places]) => places.some((place) => place[0] === row && place[1] === column)).map(([name]) => name);
  const scale = h("div", { class: "scale" }, `${short(low * factor)}`, bar(), `${short(high * factor)} ${unit}`);
  if (data.columns.length > 16 || data.rows.length > 24) {
    const canvas = h("canvas", { class: "big", width: data.columns.length, height: data.rows.length, role: "img", "aria-label": `map of ${data.rows.length} rows and ${data.columns.length} columns` });
    paint(canvas, every.map(share));
    const told = h("p", { class: "about" });
    canvas.addEventListener("pointermove", (event) => {
      const box = canvas.getBoundingClientRect(), row = Math.min(Math.floor((event.clientY - box.top) / box.height * data.rows.length), data.rows.length - 1), column = Math.min(Math.floor((event.clientX - box.left) / box.width * data.columns.length), data.columns.length - 1);
      told.textContent = `row ${data.rows[row]}, column ${data.columns[column]}: ${short(data.values[row][column] * factor)} ${unit} ${marked(row, column).join(", ")}`;
    });
    return [canvas, scale, told];
  }
  const table = h("table", { class: data.columns.length > 8 ? "chip tight" : "chip" }, h("thead", {}, h("tr", {}, h("th"), data.columns.map((each) => h("th", { scope: "col" }, each)))),
    h("tbody", {}, data.values.map((line, row) => h("tr", {}, h("th", { scope: "row" }, data.rows[row]), line.map((value, column) => {
      const shade = colour(share(value)), cell = h("td", {}, short(value === null ? null : value * factor), marked(row, column).map((name) => h("span", { class: "mark" }, name)));
      cell.style.background = `rgb(${shade})`;
      cell.style.color = 0.299 * shade[0] + 0.587 * shade[1] + 0.114 * shade[2] > 120 ? "#000" : "#fff";
      return cell;
    })))));
  return [table, scale];
}
function bar() {
  const canvas = h("canvas", { width: 64, height: 1, "aria-hidden": "true" });
  paint(canvas, Array.from({ length: 64 }, (_, at) => at / 63));
  return canvas;
}
function paint(canvas, shares) {
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  shares.forEach((share, at) => image.data.set([...colour(share), 255], 4 * at));
  context.putImageData(image, 0, 0);
}

function cells(data, width) {
  const every = data.y.flat(2), [factor, unit] = prefix(every, data.unit), columns = data.y[0].length, rows = data.y.length;
  const left = 58, gap = 6, each = (width - left) / columns, tall = Math.max(Math.min(each * 0.55, 90), 34), height = rows * tall + 42;
  const low = Math.min(...every), high = Math.max(...every, low + 1e-18), first = data.x[0], last = Math.max(data.x.at(-1), first + 1e-9);
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `conductance of ${rows} by ${columns} cells, ${data.x_text}` });
  data.y.forEach((line, row) => line.forEach((values, column) => {
    const x0 = left + column * each, y0 = 18 + row * tall, x = (value) => x0 + (value - first) / (last - first) * (each - gap), y = (value) => y0 + (tall - gap) * (1 - (value - low) / (high - low));
    let path = "";  // a step is a step: what a pulse does is there at once
    values.forEach((value, at) => { path += at ? `H${x(data.x[at]).toFixed(1)}V${y(value).toFixed(1)}` : `M${x(data.x[0]).toFixed(1)},${y(value).toFixed(1)}`; });
    svg.append(s("rect", { class: "grid", x: x0, y: y0, width: each - gap, height: tall - gap, fill: "none" }), s("path", { class: `line c${column % 2 + 1}`, d: path }));
    if (!row) svg.append(s("text", { x: x0 + (each - gap) / 2, y: 11, "text-anchor": "middle" }, `${Math.floor(column / 2) + 1}${column % 2 ? "−" : "+"}`));
    if (!column) svg.append(s("text", { class: "strong", x: 2, y: y0 + tall / 2 + 2 }, row + 1));
    if (!column && !row) svg.append(s("text", { x: left - 6, y: y0 + 9, "text-anchor": "end" }, short(high * factor)), s("text", { x: left - 6, y: y0 + tall - gap, "text-anchor": "end" }, short(low * factor)));
  }));
  svg.append(s("text", { x: left, y: height - 6 }, data.x_text), s("text", { x: width - gap, y: height - 6, "text-anchor": "end" }, unit));
  return [svg];
}

function fields(data) {
  const bytes = Uint8Array.from(atob(data.levels), (each) => each.charCodeAt(0)), [tall, wide] = data.shape, pixels = tall * wide, [factor, unit] = prefix([data.high], data.unit);
  return [h("div", { class: "fields" }, data.labels.map((label, at) => {
    const canvas = h("canvas", { width: wide, height: tall, role: "img", "aria-label": `receptive field of a neuron for ${label || "no class yet"}` });
    paint(canvas, Array.from(bytes.subarray(at * pixels, (at + 1) * pixels), (each) => each / 255));
    return h("figure", {}, canvas, label);
  })), h("div", { class: "scale" }, short(data.low * factor), bar(), `${short(data.high * factor)} ${unit}`)];
}

function targets(data, width) {
  const outputs = data.values[0].length, left = 12 + 8 * (data.rows[0][0].length + data.rows[0][1].length + 3), gap = 18, tall = 20;
  const each = Math.max((width - left) / outputs - gap, 40), height = data.rows.length * tall + 40;
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "activation of each output for each pattern" });
  for (let output = 0; output < outputs; output++) svg.append(s("text", { x: left + output * (each + gap) + each / 2, y: 12, "text-anchor": "middle" }, `output ${output + 1}`));
  data.rows.forEach(([bits, label], row) => {
    const y = 30 + row * tall;
    svg.append(s("text", { class: "strong mono", x: 2, y: y + 4 }, `${bits} → ${label}`));
    for (let output = 0; output < outputs; output++) {
      const x = (value) => left + output * (each + gap) + (Math.min(Math.max(value, -1), 1) + 1) / 2 * each;
      const value = data.values[row][output], target = data.targets[row][output], above = data.above[row][output], met = above ? value >= target : value <= target;
      const [begin, end] = above ? [x(target), x(1)] : [x(-1), x(target)], width = Math.max(end - begin, 3);
      svg.append(s("line", { class: "axis", x1: x(-1), x2: x(1), y1: y, y2: y }), s("rect", { class: "zone", x: above ? end - width : begin, y: y - 7, width, height: 14 }),
        s("line", { class: "level", x1: x(target), x2: x(target), y1: y - 7, y2: y + 7 }),
        met ? s("circle", { class: "met", cx: x(value), cy: y, r: 4 }) : s("path", { class: "missed", d: `M${x(value) - 4},${y - 4}l8,8m0,-8l-8,8` }),
        s("title", {}, `${bits}, output ${output + 1}: ${value}, wanted ${above ? "at least" : "at most"} ${target}`));
    }
  });
  const y = height - 4;
  svg.append(s("circle", { class: "met", cx: 8, cy: y - 4, r: 4 }), s("text", { x: 18, y }, "target met"), s("path", { class: "missed", d: `M86,${y - 8}l8,8m0,-8l-8,8` }), s("text", { x: 100, y }, "missed"),
    ...(outputs ? [s("text", { x: left + each, y, "text-anchor": "end" }, "−1 to 1")] : []));
  return [svg];
}

function bars(data) {
  return [h("table", { class: "bars" }, h("tbody", {}, data.rows.map(([what, value, most, unit]) => {
    const share = most ? value / most : 0, full = h("i", { class: share > 0.9 ? "full" : "" });
    full.style.width = `${100 * Math.min(share, 1)}%`;
    return h("tr", {}, h("td", {}, what, most ? h("div", { class: "bar", role: "img", "aria-label": `${(100 * share).toPrecision(2)} percent of the limit` }, full) : null),
      h("td", { class: "num" }, `${short(value)} ${unit}`, h("div", { class: "about" }, most ? `of ${short(most)} ${unit}` : "no limit set")));
  })))];
}

// ---------------------------------------------------------------- pages

const link = (row, letter) => h("a", { href: `/run?run=${row.key}` }, letter ? h("span", { class: `letter c${LETTERS.indexOf(letter) + 1}` }, letter) : null, row.cells.label || row.cells.name);
const table = (head, body, kind) => h("div", { class: "scroll" }, h("table", { class: kind ?? "settings" }, h("thead", {}, h("tr", {}, head.map((each) => h("th", { scope: "col" }, each)))), h("tbody", {}, body)));
const folded = (title, ...inside) => h("details", {}, h("summary", {}, title), inside);

const PAGES = {
  "/": {
    url: () => `/data/runs?${new URLSearchParams({ sort: "-started", ...Object.fromEntries(query()) })}`,
    pause: 1000,
    begin() {
      const change = (name, value) => { const now = query(); value ? now.set(name, value) : now.delete(name); if (name !== "page") now.delete("page"); history.replaceState(null, "", `?${now}`); again(); };
      const field = (name, label, kind) => h("label", { class: kind === "date" ? "day" : name }, label, h("input", { type: kind, id: name, value: query().get(name) ?? "", oninput: (event) => change(name, event.target.value) }));
      const choice = (name) => h("label", {}, name, h("select", { id: name, onchange: (event) => change(name, event.target.value) }));
      this.change = change;
      this.picked = new Set();
      this.compare = h("button", { onclick: () => { location.href = `/compare?${[...this.picked].map((key) => `run=${key}`).join("&")}`; } });
      this.count = h("span", { class: "count soft" });
      this.table = h("div");
      main.replaceChildren(h("div", { class: "tools" }, field("text", "Filter (/)", "search"), choice("kind"), choice("bench"), choice("verdict"), field("since", "from", "date"), field("until", "until", "date"), this.compare, this.count), this.table);
      this.pick();
    },
    pick() {
      const many = this.picked.size;
      this.compare.textContent = many ? `Compare ${many}` : "Compare";
      this.compare.disabled = many < 2 || many > 8;
      this.compare.title = "Choose two to eight runs (space), then compare them (c)";
    },
    show(data) {
      for (const [name, values] of Object.entries(data.facets)) {
        const select = document.getElementById(name), now = query().get(name) ?? "", wanted = ["", ...new Set([...values, ...(now ? [now] : [])])];
        if ([...select.options].map((each) => each.value).join("\n") !== wanted.join("\n")) select.replaceChildren(...wanted.map((each) => h("option", { value: each }, each || "all")));
        select.value = now;
      }
      this.count.textContent = `${data.found === data.all ? "" : `${short(data.found)} of `}${short(data.all)} run${data.all === 1 ? "" : "s"}${data.unread ? `, ${short(data.unread)} still to be read` : ""}`;
      const sort = query().get("sort") ?? "-started", focused = document.activeElement?.dataset?.key;
      const head = (column, name, kind) => h("th", { class: kind ?? column, scope: "col", "aria-sort": sort.replace("-", "") === column ? (sort[0] === "-" ? "descending" : "ascending") : null },
        h("button", { onclick: () => this.change("sort", sort === `-${column}` ? column : `-${column}`) }, name, sort.replace("-", "") === column ? (sort[0] === "-" ? " ↓" : " ↑") : ""));
      const body = data.rows.map((row) => {
        const { cells } = row, box = h("input", { type: "checkbox", "aria-label": `compare ${cells.label || cells.name}`, onchange: (event) => { event.target.checked ? this.picked.add(row.key) : this.picked.delete(row.key); this.pick(); } });
        box.checked = this.picked.has(row.key);
        return h("tr", {}, h("td", { class: "pick" }, box), h("td", { class: "started nowrap" }, moment(cells.started)),
          h("td", { class: "run" }, h("a", { href: `/run?run=${row.key}`, "data-key": row.key }, cells.label || cells.name.replace(/^[^_]*_/, "")), h("span", { class: row.why ? "mono" : "mono id" }, row.why || (cells.label ? cells.name.replace(/^[^_]*_/, "") : ""))),
          h("td", { class: "kind" }, cells.kind ?? "–"), h("td", { class: "bench" }, cells.bench ?? "–"), h("td", {}, word(cells.verdict ?? "–", row.live)),
          h("td", { class: "num steps-cell" }, short(cells.steps)), h("td", { class: "num pulses" }, short(cells.pulses)), h("td", { class: "num error" }, short(cells.error)), h("td", { class: "num seed" }, cells.seed ?? "–"));
      });
      const turn = (by, name) => h("button", { disabled: data.page + by < 0 || data.page + by >= data.pages, onclick: () => this.change("page", String(data.page + by)) }, name);
      show(this.table, data.rows.length ? [h("table", { class: "runs" }, h("thead", {}, h("tr", {}, h("th", { class: "pick" }), head("started", "Started (UTC)"), head("label", "Run"), head("kind", "Kind"), head("bench", "Bench"), head("verdict", "Verdict"),
        head("steps", "Steps", "num steps-cell"), head("pulses", "Pulses", "num pulses"), head("error", "Error", "num error"), head("seed", "Seed", "num seed"))), h("tbody", {}, body)),
        data.pages > 1 ? h("div", { class: "pager" }, turn(-1, "Newer"), `page ${data.page + 1} of ${data.pages}`, turn(1, "Older")) : h("span")]
        : [h("p", { class: "soft" }, data.all ? "No run fits." : "No runs here yet. They appear as soon as they begin: crossbar-hil train")]);
      if (focused) document.querySelector(`[data-key="${focused}"]`)?.focus();
      return data.unread ? 1 : null;
    },
    key(event) {
      const links = [...document.querySelectorAll("[data-key]")], at = links.indexOf(document.activeElement);
      if (event.key === "ArrowDown" || event.key === "ArrowUp") links[Math.min(Math.max(at + (event.key === "ArrowDown" ? 1 : -1), 0), links.length - 1)]?.focus();
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
      const { cells, standing } = data, parts = [];
      this.data = data;
      document.title = `${cells.label || cells.name} · crossbar-hil`;
      parts.push(h("div", { class: "head" }, h("h1", {}, cells.label || cells.name), word(cells.verdict ?? "–", data.live), cells.kind ? h("span", { class: "soft" }, `${cells.kind}${cells.bench && cells.bench !== cells.kind ? `, bench ${cells.bench}` : ""}`) : null,
        data.chip ? h("a", { href: `/chip?run=${data.key}` }, `chip ${data.chip}`) : null, cells.label ? h("span", { class: "mono soft" }, cells.name) : null));
      if (data.why) parts.push(h("p", { class: "note" }, data.why));
      if (data.reason) parts.push(h("p", { class: "reason soft" }, data.reason));
      if (data.phase === "cut off") parts.push(h("p", { class: "note" }, "It has not ended, and no process works on it: it was cut off. Nothing is lost: crossbar-hil resume goes on with it and repeats no pulse."));
      if (data.guarded && data.live && data.phase !== "cut off") parts.push(h("ol", { class: "steps", "aria-label": "what the bench is doing" }, ["opening", "reading", "pulsing", "making safe"].map((each) => h("li", { "aria-current": ({ replaying: "opening", ready: "between two operations" }[data.phase] ?? data.phase) === each ? "step" : null }, each)),
        ["opening", "replaying", "reading", "pulsing", "making safe"].includes(data.phase) ? null : h("li", { "aria-current": "step" }, data.phase === "ready" ? "between two operations" : data.phase)));
      if (standing) {
        this.clock = h("b");
        const share = standing.most ? standing.done / standing.most : 0, full = h("i");
        full.style.width = `${100 * Math.min(share, 1)}%`;
        parts.push(h("div", { class: "numbers" }, h("div", {}, h("b", {}, short(standing.done), standing.most ? ` / ${short(standing.most)}` : ""), `${standing.noun}${standing.most && data.live ? " at most" : ""}`, standing.most ? h("i", {}, full) : null),
          standing.numbers.map(([value, what]) => h("div", {}, h("b", {}, value), what)), h("div", {}, this.clock, data.live ? "elapsed" : "took"),
          data.left_s === null ? null : h("div", {}, h("b", {}, duration(data.left_s)), "left at most, at the pace of late")));
      }
      this.panels ??= h("div", { class: "panels" });
      parts.push(this.panels);
      if (data.details?.length) parts.push(folded("What else is to be said", data.details.map((each) => h("p", { class: "reason" }, each))));
      if (data.changed) parts.push(h("h2", {}, "Settings that differ from their defaults"), data.changed.length ? table(["setting", "value", "default", ""], data.changed.map(([key, text, usual, about]) => h("tr", {}, h("th", { scope: "row", class: "mono" }, key), h("td", {}, text), h("td", { class: "soft rest" }, usual), h("td", { class: "soft rest" }, about)))) : h("p", { class: "soft" }, "None."));
      parts.push(h("h2", {}, "Report and files"), h("ul", { class: "files" }, data.files.map((each) => h("li", {}, h("a", { href: `/file?run=${data.key}&file=${each.key}` }, each.report ? "report.html, the report on one page" : each.name), h("span", { class: "soft" }, ` ${size(each.bytes)}`)))),
        data.files.some((each) => each.report) || data.why ? null : h("p", { class: "soft" }, "No report is written yet: crossbar-hil report makes one."));
      if (data.facts) parts.push(folded("Every fact of the record", table(["fact", "value"], data.facts.map(([name, text]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, text))))));
      const open = [...main.querySelectorAll("details")].map((each) => each.open);
      main.replaceChildren(...parts.filter(Boolean));
      main.querySelectorAll("details").forEach((each, at) => { each.open = open[at] ?? false; });
      show(this.panels, data.panels.map((each) => panel(each)));
      this.tick(data.now);
    },
    tick(now) {
      if (this.clock) this.clock.textContent = duration(this.data.elapsed_s + (this.data.live && this.data.phase !== "cut off" ? (new Date(now) - new Date(this.data.now)) / 1000 : 0));
    },
  },
  "/compare": {
    url: () => `/data/compare?${query()}`,
    pause: 1000,
    show(data) {
      const side = (found) => table(["", ...data.runs.map((row, at) => h("span", { class: `letter c${at + 1}` }, LETTERS[at]))], found.map((each) => h("tr", {}, h("th", { scope: "row", title: each.about ?? "" }, each.key),
        each.texts.map((text) => h("td", { class: text === each.texts[0] ? "" : "other" }, text === "" ? "–" : text ?? "–")))), "settings side");
      const parts = [h("h1", {}, `${data.runs.length} runs side by side`),
        h("p", { class: "head" }, data.runs.map((row, at) => h("span", {}, link(row, LETTERS[at]), " ", word(row.cells.verdict ?? "–", row.live)))),
        h("h2", {}, "Settings that differ"), data.differ.length ? side(data.differ) : h("p", { class: "soft" }, "None of those that all of them have."),
        data.partly.length ? folded(`${data.partly.length} settings that not all of them have`, side(data.partly)) : null,
        h("h2", {}, "How they went"), side(data.outcome)].filter(Boolean);
      const names = [...new Set(data.panels.flat().map((each) => each.name))], boxes = [];
      for (const name of names) {
        const found = data.panels.map((list) => list.find((each) => each.name === name)), some = found.find(Boolean);
        if (some.form === "lines") {
          const series = found.flatMap((each, at) => each ? each.data.series.map((line) => ({ ...line, name: LETTERS[at], at })) : []);
          const below = found.filter(Boolean).map((each) => each.data.linear_below).filter(Boolean);
          boxes.unshift(panel({ ...some, about: "", data: { ...some.data, series, levels: {}, linear_below: below.length ? Math.min(...below) : null } }));
        } else if (some.form === "map" || some.form === "targets") {
          const values = found.flatMap((each) => each?.data.values.flat() ?? []).filter(Number.isFinite), ends = { low: Math.min(...values), high: Math.max(...values) };
          found.forEach((each, at) => each && boxes.push(panel({ ...each, title: `${LETTERS[at]}  ${each.title}`, data: { ...each.data, ...ends } })));
        }
      }
      const grid = h("div", { class: "panels" });
      main.replaceChildren(...parts, grid, folded(`${data.same.length} settings that are the same`, table(["setting", "value"], data.same.map((each) => h("tr", {}, h("th", { scope: "row" }, each.key), h("td", {}, each.texts[0]))))));
      show(grid, boxes);
    },
  },
  "/chip": {
    url: () => `/data/chip?${query()}`,
    pause: 2000,
    show(data) {
      const grid = h("div", { class: "panels" });
      main.replaceChildren(h("div", { class: "head" }, h("h1", {}, data.runs.length ? `Chip ${data.chip}` : "No chip"), h("span", { class: "soft" }, data.runs.length ? `${data.kind}, ${data.runs.length} run${data.runs.length > 1 ? "s" : ""} in this folder` : "None of its runs has a chip_id and an epoch.")), grid,
        data.runs.length ? table(["", "run", "started (UTC)", "verdict", "pulses", "dose of all cells"], data.runs.map((row, at) => h("tr", {}, h("td", {}, String(at + 1)), h("td", {}, link(row)), h("td", { class: "nowrap" }, moment(row.cells.started)), h("td", {}, word(row.cells.verdict ?? "–", row.live)), h("td", {}, short(row.sent)), h("td", {}, `${short(row.dose_vs)} V s`)))) : "");
      show(grid, data.panels.map((each) => panel(each)));
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
    if (data.error) main.replaceChildren(h("p", { class: "note" }, data.error));
    else if (data.unchanged) page.tick?.(data.now);
    else { pause = page.show(data) ?? pause; tag = data.tag; }
    state.className = "";
    state.textContent = data.now ? `as of ${data.now.slice(11, 19)} UTC` : "";
  } catch (error) {
    if (mine !== asked) return;
    state.className = "lost";
    state.textContent = "not connected: crossbar-hil watch has ended";
    pause = 3000;
  }
  // Whoever looks on takes a tenth of a processor at most, and less while nobody sees the page.
  timer = setTimeout(ask, Math.max(document.hidden ? 5000 : pause, pause > 1 ? 9 * (performance.now() - began) : 1));
}
function again() { tag = ""; ask(); }

const help = h("dialog", { "aria-label": "keys" }, h("h3", {}, "Keys"), h("table", {}, h("tbody", {}, [["/", "filter the runs"], ["↑ ↓", "go through the runs"], ["Enter", "open a run"], ["Space", "choose it for comparing"], ["c", "compare those that are chosen"], ["r", "back to the runs"], ["?", "these keys"]].map(([key, what]) => h("tr", {}, h("td", {}, h("kbd", {}, key)), h("td", {}, what))))));
document.body.append(help);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") document.activeElement?.blur();
  if (["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName) && event.target.type !== "checkbox") return;
  if (event.key === "?") help.open ? help.close() : help.showModal();
  else if (event.key === "r") location.href = "/";
  else page.key?.(event);
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
page.begin?.();
ask();

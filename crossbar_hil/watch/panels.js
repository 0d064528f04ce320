"use strict";
// Draws panels, whatever they are of: the forms of crossbar_hil/runs/live/panels.py. All text is put in as text, never as markup.

const h = (tag, props, ...inside) => fill(document.createElement(tag), props, inside);
const s = (tag, props, ...inside) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, inside);
const row = (...cells) => h("tr", {}, cells);
const cell = (inside, kind) => h("td", { class: kind }, inside);
const heads = (names) => h("thead", {}, row(...names.map((each) => h("th", { scope: "col" }, each))));
const label = (x, y, text, anchor, kind) => s("text", { x, y, "text-anchor": anchor, class: kind }, text);
const rule = (kind, x1, y1, x2, y2) => s("line", { class: kind, x1, y1, x2, y2 });
const picture = (width, height, about) => s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": about });
const between = (value, low, high) => Math.min(Math.max(value, low), high);
const DASHES = ["", "6 3", "2 3", "8 3 2 3", "12 3", "4 2", "1 3", "10 2 2 2"];
const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];

function fill(element, props, inside) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...inside.flat(2).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

const broken = (name) => name.split(/(?<=\.)|(?<=_)(?=\w{3})/).flatMap((part) => [h("wbr"), part]);  // where a key may go on in the next line

// ---------------------------------------------------------------- numbers

function prefix(values, unit) {
  if (!unit || unit === "V s") return [1, unit];
  const largest = Math.max(...values.filter(Number.isFinite).map(Math.abs), 0);
  const power = largest ? between(3 * Math.floor(Math.log10(largest) / 3), -12, 0) : 0;
  return [10 ** -power, { "-12": "p", "-9": "n", "-6": "µ", "-3": "m", 0: "" }[power] + unit];
}
function short(value) {
  if (value === null || value === undefined) return "–";
  return Number.isInteger(value) ? value.toLocaleString("en") : String(Number(value.toPrecision(3)));
}
function colour(share) {
  const place = between(share, 0, 1) * (VIRIDIS.length - 1), below = Math.min(Math.floor(place), VIRIDIS.length - 2);
  const of = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  const [low, high] = [of(VIRIDIS[below]), of(VIRIDIS[below + 1])];
  return low.map((each, at) => Math.round(each + (high[at] - each) * (place - below)));
}
function steps(low, high, count) {
  const rough = (high - low) / count || 1, unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((each) => each * unit >= rough * 0.999), marks = [];
  for (let mark = Math.ceil(low / step) * step; mark <= high + step * 1e-6; mark += step) marks.push(Number(mark.toPrecision(12)));
  return marks;
}

// ---------------------------------------------------------------- panels

function panel(each) {
  const box = h("section", { class: `panel ${each.form}`, "data-panel": each.name });
  const wide = each.form === "fields" || (each.form === "cells" && each.data.y[0].length > 4);
  if (wide) box.classList.add("wide");
  if (each.form === "map" && each.data.columns.length > 6) box.classList.add("broad");
  box.draw = () => {
    box.replaceChildren(h("h3", {}, each.title), h("p", { class: "about" }, each.about));
    box.append(...DRAW[each.form](each.data, Math.max(box.clientWidth - 30, 200)));
  };
  return box;
}
function show(parent, found) {
  parent.replaceChildren(...found);
  for (const box of found) box.draw?.();
}
addEventListener("resize", () => document.querySelectorAll(".panel").forEach((box) => box.draw?.()));

function heights(data, values) {
  const every = [...values, ...Object.values(data.levels)].filter(Number.isFinite);
  const low = data.low ?? Math.min(...every);
  let high = Math.max(...every, low + 1e-12);
  if (data.linear_below) {  // logarithmic above, so that zero has a place and small errors can be told apart
    const as = (value) => Math.log10(1 + Math.max(value, 0) / data.linear_below), top = as(high) || 1, marks = [0];
    for (let mark = data.linear_below; mark <= high * 1.0001; mark *= 10) marks.push(mark);
    const every = Math.ceil(marks.length / 6);
    return [(value) => as(value) / top / 1.03, marks.filter((_, at) => at === 0 || (marks.length - at - 1) % every === 0)];
  }
  if (high - low < 1e-12) high = low + 1;
  const pad = (high - low) * 0.05, begin = data.low ?? low - pad, span = high + pad - begin;
  return [(value) => (value - begin) / span, steps(begin, begin + span, 5)];
}

function lines(data, width) {
  const height = Math.round(between(width * 0.5, 170, 260)), left = 52, right = width - 12, top = 24, floor = height - 34, ends = [];
  const xs = data.series.flatMap((each) => each.x), first = Math.min(...xs), last = Math.max(...xs, first + 1);
  const [share, marks] = heights(data, data.series.flatMap((each) => each.y));
  const x = (value) => left + (value - first) / (last - first) * (right - left), y = (value) => floor - share(value) * (floor - top);
  const svg = picture(width, height, `${data.y_label} against ${data.x_label}`);
  for (const mark of marks.filter((each, at) => !at || y(marks[0]) - y(each) > 12)) {
    svg.append(rule("grid", left, y(mark), right, y(mark)), label(left - 6, y(mark) + 4, short(mark), "end"));
  }
  for (const mark of steps(first, last, Math.max(width / 90, 2)).filter(Number.isInteger)) {
    svg.append(label(x(mark), floor + 15, short(mark), "middle"));
  }
  const all = data.series.flatMap((each) => each.x.map((value, at) => [x(value), y(each.y[at])]));
  for (const [name, value] of Object.entries(data.levels)) {  // named where the lines leave most room, on the right if they can
    const at = y(value), wide = 7 * name.length, places = [[right - wide, 13], [right - wide, -4], [left + 4, 13], [left + 4, -4]];
    const room = ([from, by]) => Math.min(20, ...all.filter(([across]) => across > from - 8 && across < from + wide + 8).map(([, up]) => Math.abs(up - at - by + 4)));
    const free = places.filter(([, by]) => at + by - 10 > 0 && at + by < floor), [from, by] = free.reduce((best, each) => room(each) > room(best) + 4 ? each : best);
    svg.append(rule("level", left, at, right, at), label(from > left + 4 ? right : from, at + by, name, from > left + 4 ? "end" : null, "named"));
  }
  data.series.forEach((each, at) => {
    const place = (each.at ?? at) % 8, points = each.x.map((value, index) => [x(value), y(each.y[index])]);
    const text = points.map((point) => point.map((value) => value.toFixed(1)).join()).join(" ");
    const dashes = data.series.length > 1 ? DASHES[place] : null;
    svg.append(s("polyline", { class: `line c${place + 1}`, "stroke-dasharray": dashes, points: text }));
    if (points.length === 1) svg.append(s("circle", { class: `c${place + 1}`, cx: points[0][0], cy: points[0][1], r: 2.5 }));
    if (each.at !== undefined && points.length) ends.push([...points.at(-1), each.name]);
  });
  let above = 0;  // names at the ends of lines, none on another
  for (const [beside, at, name] of ends.sort((one, other) => one[1] - other[1])) {
    above = Math.max(at - 5, above + 12);
    svg.append(label(Math.min(beside + 4, width - 9), above, name, null, "strong"));
  }
  svg.append(rule("axis", left, floor, right, floor), label(right, height - 4, data.x_label, "end"), label(2, 11, data.y_label));
  return [svg];
}

function map(data, width) {
  const every = data.values.flat(), known = every.filter(Number.isFinite), rows = data.rows.length, columns = data.columns.length;
  const low = data.low ?? Math.min(...known), high = data.high ?? Math.max(...known), [factor, unit] = prefix([low, high], data.unit);
  const share = (value) => high > low ? (value - low) / (high - low) : 0, told = (value) => short(value === null ? null : value * factor);
  const here = (at, column) => ([place, other]) => place === at && other === column;
  const marks = (at, column) => Object.keys(data.marks).filter((name) => data.marks[name].some(here(at, column)));
  if (columns > 16 || rows > 24) {
    const canvas = h("canvas", { class: "big", width: columns, height: rows, role: "img", "aria-label": `${rows} rows, ${columns} columns` });
    const about = h("p", { class: "about" });
    paint(canvas, every.map(share));
    canvas.addEventListener("pointermove", (event) => {
      const box = canvas.getBoundingClientRect();
      const at = between(Math.floor((event.clientY - box.top) / box.height * rows), 0, rows - 1);
      const column = between(Math.floor((event.clientX - box.left) / box.width * columns), 0, columns - 1);
      const place = `row ${data.rows[at]}, column ${data.columns[column]}`;
      about.textContent = `${place}: ${told(data.values[at][column])} ${unit} ${marks(at, column).join(", ")}`;
    });
    return [canvas, scale(low, high, factor, unit), about];
  }
  const body = data.values.map((line, at) => row(h("th", { scope: "row" }, data.rows[at]), line.map((value, column) => {
    const shade = colour(share(value)), box = cell([told(value), marks(at, column).map((name) => h("span", { class: "mark" }, name))]);
    box.style.background = `rgb(${shade})`;
    box.style.color = 0.299 * shade[0] + 0.587 * shade[1] + 0.114 * shade[2] > 120 ? "#000" : "#fff";
    return box;
  })));
  const kind = columns > 8 || 55 * (columns + 1) > width ? "chip tight" : "chip";  // 55 px are a column and its gap
  return [h("table", { class: kind }, heads(["", ...data.columns]), h("tbody", {}, body)), scale(low, high, factor, unit)];
}
function scale(low, high, factor, unit) {
  const canvas = h("canvas", { width: 64, height: 1, "aria-hidden": "true" });
  paint(canvas, Array.from({ length: 64 }, (_, at) => at / 63));
  return h("div", { class: "scale" }, short(low * factor), canvas, `${short(high * factor)} ${unit}`);
}
function paint(canvas, shares) {
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  shares.forEach((share, at) => image.data.set([...colour(share), 255], 4 * at));
  context.putImageData(image, 0, 0);
}

function cells(data, width) {
  const every = data.y.flat(2), [factor, unit] = prefix(every, data.unit), columns = data.y[0].length, rows = data.y.length;
  const left = 58, gap = 6, wide = (width - left) / columns, tall = between(wide * 0.55, 34, 90), height = rows * tall + 42;
  const low = Math.min(...every), high = Math.max(...every, low + 1e-18), first = data.x[0], last = Math.max(data.x.at(-1), first + 1e-9);
  const svg = picture(width, height, `conductance of ${rows} by ${columns} cells, ${data.x_text}`);
  data.y.forEach((line, at) => line.forEach((values, column) => {
    const begin = left + column * wide, top = 18 + at * tall;
    const x = (value) => (begin + (value - first) / (last - first) * (wide - gap)).toFixed(1);
    const y = (value) => (top + (tall - gap) * (1 - (value - low) / (high - low))).toFixed(1);
    // A step is a step: what a pulse does is there at once.
    const path = values.map((value, step) => step ? `H${x(data.x[step])}V${y(value)}` : `M${x(first)},${y(value)}`).join("");
    svg.append(s("rect", { class: "grid", x: begin, y: top, width: wide - gap, height: tall - gap, fill: "none" }));
    svg.append(s("path", { class: `line c${column % 2 + 1}`, d: path }));
    if (!at) svg.append(label(begin + (wide - gap) / 2, 11, data.columns[column], "middle"));
    if (!column) svg.append(label(2, top + tall / 2 + 2, data.rows[at], null, "strong"));
  }));
  svg.append(label(left - 6, 27, short(high * factor), "end"), label(left - 6, 18 + tall - gap, short(low * factor), "end"));
  svg.append(label(left, height - 6, data.x_text), label(width - gap, height - 6, unit, "end"));
  return [svg];
}

function fields(data) {
  const bytes = Uint8Array.from(atob(data.levels), (each) => each.charCodeAt(0)), [tall, wide] = data.shape, pixels = tall * wide;
  const images = data.labels.map((name, at) => {
    const about = `receptive field of a neuron for ${name || "no class yet"}`;
    const canvas = h("canvas", { width: wide, height: tall, role: "img", "aria-label": about });
    paint(canvas, Array.from(bytes.subarray(at * pixels, (at + 1) * pixels), (each) => each / 255));
    return h("figure", {}, canvas, name);
  });
  return [h("div", { class: "fields" }, images), scale(data.low, data.high, ...prefix([data.high], data.unit))];
}

function targets(data, width) {
  const outputs = data.values[0].length, [bits, wanted] = data.rows[0], left = 36 + 8 * (bits.length + wanted.length), gap = 18, tall = 20;
  const wide = Math.max((width - left) / outputs - gap, 40), height = data.rows.length * tall + 40, end = height - 4;
  const svg = picture(width, height, "activation of each output for each pattern");
  const missed = (x, y) => s("path", { class: "missed", d: `M${x - 4},${y - 4}l8,8m0,-8l-8,8` });
  const met = (x, y) => s("circle", { class: "met", cx: x, cy: y, r: 4 });
  for (let output = 0; output < outputs; output++) {
    const begin = left + output * (wide + gap), x = (value) => begin + (between(value, -1, 1) + 1) / 2 * wide;
    svg.append(label(begin + wide / 2, 12, `output ${output + 1}`, "middle"));
    data.rows.forEach(([bits, wanted], at) => {
      const y = 30 + at * tall, value = data.values[at][output], target = data.targets[at][output], above = data.above[at][output];
      const zone = Math.max(above ? x(1) - x(target) : x(target) - x(-1), 3), as = above ? value >= target : value <= target;
      if (!output) svg.append(label(2, y + 4, `${bits} → ${wanted}`, null, "strong mono"));
      svg.append(rule("axis", x(-1), y, x(1), y), rule("level", x(target), y - 7, x(target), y + 7));
      svg.append(s("rect", { class: "zone", x: above ? x(1) - zone : x(-1), y: y - 7, width: zone, height: 14 }));
      svg.append((as ? met : missed)(x(value), y));
    });
  }
  svg.append(met(8, end - 4), label(18, end, "target met"), missed(90, end - 4), label(100, end, "missed"));
  svg.append(label(left + wide, end, "−1 to 1", "end"));
  return [svg];
}

function bars(data) {
  return [h("table", { class: "bars" }, h("tbody", {}, data.rows.map(([what, value, most, unit]) => {
    const share = most ? value / most : 0, full = h("i", { class: share > 0.9 ? "full" : "" });
    full.style.width = `${100 * Math.min(share, 1)}%`;
    const about = `${(100 * share).toPrecision(2)} percent of the limit`;
    const limit = h("div", { class: "about" }, most ? `of ${short(most)} ${unit}` : "no limit set");
    return row(cell([what, most ? h("div", { class: "bar", role: "img", "aria-label": about }, full) : null]), cell([`${short(value)} ${unit}`, limit], "num"));
  })))];
}

const DRAW = { lines, map, cells, fields, targets, bars };

// Charts: a scale is a function from numbers to pixels; a drawing is a list of SVG nodes.

function linearScale([low, high], [from, to]) {
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

function logScale([low, high], range) {
  const scale = linearScale([Math.log(low), Math.log(high)], range);
  return (value) => scale(Math.log(value));
}

// A width that is read after something was drawn costs a layout of the page: once is enough.
const WIDTHS = new Map();

function widthOf(canvas) {
  if (!WIDTHS.get(canvas)) WIDTHS.set(canvas, canvas.clientWidth);
  return WIDTHS.get(canvas);
}

/** Put a drawing into an svg as wide as its column, with words for those who do not see it. */
function draw(svg, height, words, paint) {
  const width = Math.max(240, widthOf(svg));
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  svg.setAttribute("aria-label", words);
  svg.replaceChildren(...paint(width, height));
}

function pathThrough(points) {
  return points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");
}

function curve(points, attributes) {
  return node("path", { d: pathThrough(points), ...attributes });
}

/** Area between a curve and a level. */
function area(points, level, attributes) {
  const [first, last] = [points[0], points[points.length - 1]];
  return node("path", {
    d: `${pathThrough([[first[0], level], ...points, [last[0], level]])}Z`,
    ...attributes,
  });
}

function segment(x1, y1, x2, y2, attributes) {
  return node("line", { x1, y1, x2, y2, ...attributes });
}

function label(x, y, text, { anchor = "start", ...attributes } = {}) {
  return node("text", { x, y, "text-anchor": anchor, ...attributes }, text);
}

/** Mark of a class: a disc, a square, a triangle. */
function mark(k, x, y, size, attributes = {}) {
  const by = { class: `mark class-${k}`, ...attributes };
  if (k === 0) return node("circle", { cx: x, cy: y, r: size, ...by });
  if (k === 1) {
    const side = size * 1.75;
    return node("rect", { x: x - side / 2, y: y - side / 2, width: side, height: side, ...by });
  }
  const [top, side] = [y - size * 1.2, size * 1.15];
  return node("path", { d: `M${x} ${top}L${x + side} ${y + size * 0.8}H${x - side}Z`, ...by });
}

/** Number beside a tick. */
function tickText(tick) {
  return String(tick).replace("-", "−");
}

/** Axis below a drawing: a line, ticks with their numbers, and its name at the right. */
function axisBelow(scale, ticks, y, [from, to], name, text = tickText) {
  return [
    segment(from, y, to, y, { class: "axis" }),
    ...ticks.flatMap((tick) => [
      segment(scale(tick), y, scale(tick), y + 5, { class: "axis" }),
      label(scale(tick), y + 18, text(tick), { anchor: "middle", class: "soft" }),
    ]),
    ...(name ? [label(to, y + 36, name, { anchor: "end", class: "soft" })] : []),
  ];
}

/** Axis at the left, its numbers beside it and a faint line through the drawing. */
function axisLeft(scale, ticks, x, to, text = tickText) {
  return ticks.flatMap((tick) => [
    segment(x, scale(tick), to, scale(tick), { class: "axis" }),
    label(x - 6, scale(tick) + 4, text(tick), { anchor: "end", class: "soft" }),
  ]);
}

/** Ticks 1, 2, 5 times powers of ten within a range of positive numbers, thinned to a few. */
function logTicks(low, high, most = 7) {
  for (const parts of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = [];
    for (let k = Math.floor(Math.log10(low)); k <= Math.ceil(Math.log10(high)); k++) {
      for (const part of parts) {
        const tick = Number(`${part}e${k}`);
        if (tick >= low && tick <= high) ticks.push(tick);
      }
    }
    if (ticks.length <= most || parts.length === 1) return ticks;
  }
}

/** Round ticks of a linear range. */
function linearTicks(low, high, about = 5) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((part) => part * power).find((size) => size >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const n = Math.floor(high / step + 1e-9) - first;
  return Array.from({ length: n + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** So many equally spaced numbers, both ends included. */
function spaced(low, high, n) {
  return Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1));
}

// The document: elements by id, numbers shown with the digits that they are read by, SVG nodes.

function element(id) {
  return document.getElementById(id);
}

/** Show a number: the text is what is read, data-value what was computed. */
function show(id, value, text) {
  const output = element(id);
  output.textContent = text;
  output.dataset.value = String(value);
}

const MISSING = "–";

/** Number with fixed decimals and a true minus sign; a dash where there is none. */
function fixed(value, decimals) {
  if (!Number.isFinite(value)) return MISSING;
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** The same with its sign. */
function signed(value, decimals) {
  const text = fixed(value, decimals);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

/** Number with so many significant digits, never in powers of ten, thousands set apart. */
function significant(value, digits = 3) {
  if (!Number.isFinite(value)) return MISSING;
  const rounded = Number(value.toPrecision(digits));
  const size = rounded === 0 ? 0 : Math.floor(Math.log10(Math.abs(rounded)));
  const text = rounded.toLocaleString("en", {
    minimumFractionDigits: Math.max(0, Math.min(12, digits - 1 - size)),
    maximumFractionDigits: Math.max(0, Math.min(12, digits - 1 - size)),
  });
  return text.replace("-", "−");
}

/** A number as briefly as it can be said: 10, 2.3, 0.0435. */
function brief(value, digits = 3) {
  return Number(value.toPrecision(digits)).toLocaleString("en", { maximumFractionDigits: 8 });
}

const TO = "\u00a0:\u00a0"; // a ratio stays on its line

/** A ratio a : b, its smaller part 1. */
function ratioText(a, b, digits = 3) {
  if (!(a > 0 && b > 0)) return MISSING;
  return a >= b ? `${brief(a / b, digits)}${TO}1` : `1${TO}${brief(b / a, digits)}`;
}

function percentText(value, decimals = 1) {
  return `${fixed(100 * value, decimals)}\u00a0%`;
}

/** SVG node; attributes that are undefined are left out. */
function node(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** HTML node with text in it: text only ever comes into the page so. */
function htmlNode(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Name of class k with its mark, which tells it apart where colours do not. */
const MARKS = ["●", "■", "▲"];

function className(k) {
  return `${MARKS[k]} class ${k}`;
}

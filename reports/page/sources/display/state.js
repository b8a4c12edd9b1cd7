// The state of the page is the value of its controls; the fragment of the address holds those that
// were moved from where they start.

const CALM = window.matchMedia("(prefers-reduced-motion: reduce)");

function stateInputs() {
  return [...document.querySelectorAll("[data-state]")];
}

/** Key and value of a control for the fragment; null where it stands at its start. */
function stateOf(input) {
  if (input.type === "radio") {
    return input.checked && !input.defaultChecked ? [input.name, input.value] : null;
  }
  const start = input.dataset.state === "end" ? input.max : input.defaultValue;
  return input.value === start ? null : [input.id, input.value];
}

function fragment() {
  return new URLSearchParams(stateInputs().map(stateOf).filter(Boolean)).toString();
}

/** Put the controls where the fragment says, and elsewhere at their start. What fits none of them,
    or lies outside of its range, is passed over. */
function restore(text) {
  const asked = new URLSearchParams(text);
  for (const input of stateInputs()) {
    if (input.type === "radio") {
      const fits = stateInputs().some((one) => one.value === asked.get(input.name));
      input.checked = fits ? input.value === asked.get(input.name) : input.defaultChecked;
    } else {
      const given = asked.get(input.id), value = Number(given);
      const fits = given !== null && given.trim() !== "" && Number.isFinite(value)
        && value >= Number(input.min) && value <= Number(input.max);
      input.value = fits ? given : input.dataset.state === "end" ? input.max : input.defaultValue;
    }
  }
}

function addressOfState() {
  const text = fragment();
  return location.href.split("#")[0] + (text ? `#${text}` : "");
}

let writing = 0;

/** Keep the fragment up to date, once the controls have come to rest. */
function writeFragment() {
  clearTimeout(writing);
  writing = setTimeout(() => {
    if (fragment() === location.hash.slice(1)) return;
    try {
      history.replaceState(null, "", addressOfState());
    } catch {
      // A page within a sandboxed frame may not; its link can still be copied.
    }
  }, 300);
}

/** Value of a range control. */
function valueOf(id) {
  return Number(element(id).value);
}

/** 10^value with two digits, so that what is shown is what is computed with; 1/10^-value below. */
function powerOfTen(value) {
  return value < 0 ? 1 / powerOfTen(-value) : Number((10 ** value).toPrecision(2));
}

/** The two parts of a ratio whose logarithm a control holds, the smaller one 1. */
function pairAt(value) {
  return value < 0 ? [powerOfTen(-value), 1] : [1, powerOfTen(value)];
}

/** Show what a control stands for, beside it and to screen readers. */
function showControl(id, text, spoken = text.replaceAll(TO, " to ")) {
  element(`${id}-shown`).textContent = text;
  element(id).setAttribute("aria-valuetext", spoken);
}

/** Weights and counts of two classes as two controls hold them, shown beside them. */
function pairs(weightId, countId) {
  const weight = pairAt(valueOf(weightId));
  const count = pairAt(valueOf(countId)).map((part) => 1000 * part);
  showControl(weightId, ratioText(...weight));
  showControl(countId, count.map((n) => brief(n)).join(TO));
  return { weight, count };
}

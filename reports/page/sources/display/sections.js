// Sections draw themselves at most once in a frame, and only those whose controls were moved.

const SECTIONS = new Map();
const DIRTY = new Set();
const FRAME = 14; // milliseconds of drawing after which the rest waits for the next frame
let asked = 0;

/**
 * Tell how a section is drawn. draw(elapsed) gets the milliseconds since its last frame, and is
 * called again in the next one if it returns true: something still moves.
 */
function section(id, drawSection) {
  SECTIONS.set(id, { draw: drawSection, last: 0 });
  element(id).addEventListener("input", (event) => {
    if (event.target.matches("input[type=range], input[type=radio]")) changed(id);
  });
}

/** Draw a section in the next frame. */
function redraw(id) {
  DIRTY.add(id);
  if (!asked) asked = requestAnimationFrame(drawDirty);
}

/** A control of a section was moved. */
function changed(id) {
  redraw(id);
  writeFragment();
}

function redrawAll() {
  for (const id of SECTIONS.keys()) redraw(id);
}

function drawDirty(now) {
  asked = 0;
  const began = performance.now();
  for (const id of [...DIRTY]) {
    if (performance.now() - began > FRAME) break;
    DIRTY.delete(id);
    const one = SECTIONS.get(id);
    const moves = one.draw(one.last ? Math.min(50, now - one.last) : 16);
    one.last = moves ? now : 0;
    element(id).dataset.moving = String(Boolean(moves));
    if (moves) DIRTY.add(id);
    else refreshSnippet(id);
  }
  if (DIRTY.size && !asked) asked = requestAnimationFrame(drawDirty);
}

/** Set a control from a button, as if it had been moved. */
function setControl(id, value) {
  element(id).value = String(value);
  element(id).dispatchEvent(new Event("input", { bubbles: true }));
}

function onClick(id, act) {
  element(id).addEventListener("click", act);
}

const WAITING = new Map();

/** Say something to screen readers once it has stood for a while. */
function sayLater(id, words) {
  clearTimeout(WAITING.get(id));
  WAITING.set(id, setTimeout(() => {
    const live = element(id);
    if (live.textContent !== words) live.textContent = words;
  }, 700));
}

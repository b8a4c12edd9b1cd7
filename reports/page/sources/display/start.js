// The page begins: the fragment is read, all is drawn, and drawn anew where the width changes.

/** Copy a text; where the browser refuses, as it may on file://, false. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

onClick("copy-link", async () => {
  const address = addressOfState();
  const field = element("link");
  const done = await copyText(address);
  field.value = address;
  field.hidden = done;
  if (!done) field.select();
  element("copied").textContent = done ? "Copied." : "Selected: copy it with Ctrl or ⌘ and C.";
});
onClick("start-again", () => {
  restore("");
  forgetYours();
  writeFragment();
  redrawAll();
  element("copied").textContent = "All is back at its start.";
});
window.addEventListener("hashchange", () => {
  if (location.hash && !location.hash.includes("=")) return; // a place in the page
  restore(location.hash.slice(1));
  redrawAll();
});
restore(location.hash.slice(1));
redrawAll();

let widthDrawn = document.documentElement.clientWidth;
window.addEventListener("resize", () => {
  if (document.documentElement.clientWidth === widthDrawn) return;
  widthDrawn = document.documentElement.clientWidth;
  WIDTHS.clear();
  redrawAll();
});
// Colours of the canvas are read from the style.
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);

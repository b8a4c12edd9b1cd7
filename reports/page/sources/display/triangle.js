// Section 3: three Gaussian classes, the regions of their posterior, and Eq. (9) of each.

const THREE = [0, 1, 2];
const CELL = 3; // pixels of the canvas that share a posterior

/** Rows of both tables, made once. */
function threeTables() {
  const output = (name) => htmlNode("output", { id: name, "data-number": name });
  const cell = (name) => htmlNode("td", {}, output(name));
  const head = (k) => htmlNode("th", { scope: "row", class: `class-${k}` }, className(k));
  element("three-proba").append(...THREE.map((i) =>
    htmlNode("tr", {}, head(i), ...THREE.map((j) => cell(`three-p${i}${j}`)))));
  element("three-sides").append(...THREE.map((k) => htmlNode(
    "tr", {}, head(k), ...["left", "right", "accuracy"].map((what) => cell(`three-${what}-${k}`)),
  )));
}

function threeState() {
  const v = valueOf("three-imbalance");
  const count = [v, v / 2, 0].map((part) => 100 * powerOfTen(part));
  const weight = THREE.map((k) => powerOfTen(valueOf(`three-weight-${k}`)));
  const separation = valueOf("three-separation");
  THREE.forEach((k) => showControl(`three-weight-${k}`, brief(weight[k])));
  showControl("three-imbalance", count.map((n) => brief(n)).join(TO));
  showControl("three-separation", `${fixed(separation, 1)} SD`);
  return { weight, count, separation };
}

function drawThree() {
  const state = threeState();
  const found = triangle(state);
  const mass = classMass(state.weight, state.count);
  const total = sum(mass);
  const both = sides(found.P, mass);
  for (const i of THREE) {
    for (const j of THREE) {
      const p = found.P[i][j];
      show(`three-p${i}${j}`, p, fixed(p, 3));
      const cell = element(`three-p${i}${j}`).parentElement;
      const ink = `var(--class-${j}) ${Math.round(38 * p)}%`;
      cell.style.background = `color-mix(in srgb, ${ink}, transparent)`;
      cell.style.fontWeight = i === j ? "600" : "";
    }
    show(`three-left-${i}`, both.left[i] / total, percentText(both.left[i] / total, 2));
    show(`three-right-${i}`, both.right[i] / total, percentText(both.right[i] / total, 2));
    show(`three-accuracy-${i}`, found.accuracy[i], fixed(found.accuracy[i], 3));
  }
  drawRegions(element("three-regions"), found, state.separation);
  drawFlows(element("three-flows"), found.P, mass, total);
  sayLater("three-live", THREE.map((k) => `Class ${k}: ${fixed(found.P[k][k], 3)} of its own class, `
    + `gives ${percentText(both.left[k] / total)}`).join("; "));
}

/** Regions in which a class is the most probable, fainter where it is less so. */
function drawRegions(canvas, { means, posterior, accuracy }, separation) {
  const size = widthOf(canvas);
  const scale = Math.min(2, window.devicePixelRatio || 1);
  const pixels = Math.round(size * scale);
  if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
  const context = canvas.getContext("2d");
  const reach = separation / Math.sqrt(3) + 2.6;
  const style = getComputedStyle(document.documentElement);
  const colours = THREE.map((k) => rgbOf(style.getPropertyValue(`--class-${k}`)));
  const paper = rgbOf(style.getPropertyValue("--paper"));
  const cells = Math.ceil(size / CELL);
  const image = context.createImageData(cells, cells);
  for (let row = 0; row < cells; row++) {
    const y = reach - (2 * reach * (row + 0.5)) / cells;
    for (let column = 0; column < cells; column++) {
      const p = posterior(-reach + (2 * reach * (column + 0.5)) / cells, y);
      const k = p[0] >= p[1] ? (p[0] >= p[2] ? 0 : 2) : p[1] >= p[2] ? 1 : 2;
      const ink = 0.14 + 0.5 * (p[k] - 1 / 3) + (isHatched(k, row, column) ? 0.16 : 0);
      const at = 4 * (row * cells + column);
      for (let c = 0; c < 3; c++) {
        image.data[at + c] = paper[c] + ink * (colours[k][c] - paper[c]);
      }
      image.data[at + 3] = 255;
    }
  }
  const small = new OffscreenCanvas(cells, cells);
  small.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(small, 0, 0, pixels, pixels);
  drawMeans(context, means, (pixels / 2) / reach, pixels, style, scale);
  const right = THREE.map((k) => `class ${k} ${fixed(accuracy[k], 3)}`).join(", ");
  canvas.setAttribute("aria-label", "Plane of two features in three regions, one around the mean "
    + `of each class. Accuracy: ${right}.`);
}

/** Lines in the regions of class 1 and dots in those of class 2 tell them apart in grey. */
function isHatched(k, row, column) {
  if (k === 1) return (row + column) % 5 === 0;
  return k === 2 && row % 4 === 0 && column % 4 === 0;
}

function drawMeans(context, means, unit, pixels, style, scale) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `600 ${14 * scale}px system-ui, sans-serif`;
  means.forEach(([x, y], k) => {
    const [left, top] = [pixels / 2 + unit * x, pixels / 2 - unit * y];
    context.strokeStyle = style.getPropertyValue(`--text-${k}`);
    context.lineWidth = 1.5 * scale;
    context.setLineDash([]);
    context.beginPath();
    context.arc(left, top, unit, 0, 2 * Math.PI); // one standard deviation around
    context.stroke();
    context.fillStyle = style.getPropertyValue("--ink");
    context.fillText(`${MARKS[k]} ${k}`, left, top);
  });
}

/** Red, green and blue of #rrggbb. */
function rgbOf(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.trim().slice(at, at + 2), 16));
}

/** What each class gives, by whom it is given to, above what it gets, by whom it comes from. */
function drawFlows(svg, P, mass, total) {
  const words = `Bars of what each class gives and gets: ${THREE.map((k) =>
    `class ${k} ${percentText((mass[k] * missProba(P, k)) / total)} each`).join(", ")}.`;
  draw(svg, 174, words, (width) => {
    const left = 156;
    const largest = Math.max(...THREE.map((k) => mass[k] * missProba(P, k)));
    const x = linearScale([0, largest], [left, width - 4]);
    return THREE.flatMap((k) => {
      const top = 8 + 58 * k;
      const others = THREE.filter((j) => j !== k);
      return [
        label(0, top + 22, className(k), { class: `strong class-${k}` }),
        label(left - 8, top + 12, "gives to", { anchor: "end", class: "soft" }),
        label(left - 8, top + 32, "gets from", { anchor: "end", class: "soft" }),
        ...flowBar(x, top, others, others.map((j) => mass[k] * P[k][j])),
        ...flowBar(x, top + 20, others, others.map((j) => mass[j] * P[j][k])),
      ];
    });
  });
}

function flowBar(x, y, others, flows) {
  let from = 0;
  return flows.flatMap((flow, i) => {
    const [start, end] = [x(from), x(from + flow)];
    from += flow;
    const box = { x: start, y, width: Math.max(0, end - start), height: 16 };
    const k = others[i], named = { anchor: "middle", class: `strong class-${k}` };
    return [
      node("rect", { ...box, fill: `url(#pattern-${k})`, class: `edge class-${k}` }),
      ...(end - start > 16 ? [label((start + end) / 2, y + 12, k, named)] : []),
    ];
  });
}

threeTables();
section("three", drawThree);
onClick("three-equal", () => {
  for (const k of THREE) setControl(`three-weight-${k}`, 0);
});
onClick("three-inverse", () => {
  const v = valueOf("three-imbalance");
  [v, v / 2, 0].forEach((part, k) => setControl(`three-weight-${k}`, -part));
});

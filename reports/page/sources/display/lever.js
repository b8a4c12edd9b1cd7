// A hanging lever: masses as squares, as far out as the mean probability that each class gives
// away. Its moments are the two sides of Eq. (9), so that it is level where they are equal.

const LARGEST_TILT = (8 * Math.PI) / 180;

/** Draw it from the shares of the mass and the arms, all in [0, 1]. */
function drawLever(svg, share, arm, words) {
  draw(svg, 206, words, (width) => {
    const x = width / 2, y = 50, reach = width / 2 - 10;
    const moment = share.map((m, k) => m * arm[k]);
    const tilt = LARGEST_TILT * Math.tanh((3 * (moment[0] - moment[1])) / (moment[0] + moment[1]));
    const at = (signedArm) => [
      x + signedArm * reach * Math.cos(tilt), y - signedArm * reach * Math.sin(tilt),
    ];
    const drawn = [
      segment(x, 4, x, y, { class: "string" }),
      segment(x - 16, 4, x + 16, 4, { class: "string" }),
      ...leverTicks(at, tilt),
      segment(...at(-1), ...at(1), { class: "beam" }),
      node("circle", { cx: x, cy: y, r: 5, class: "solid" }),
    ];
    share.forEach((m, k) => drawn.push(
      ...hanging(k, at(k ? arm[k] : -arm[k]), Math.max(3, 56 * Math.sqrt(m))),
      ...leverLabel(k, k ? width : 0, m, arm[k], width < 480),
    ));
    return drawn;
  });
}

function leverTicks(at, tilt) {
  const up = [8 * Math.sin(tilt), -8 * Math.cos(tilt)];
  return [-1, -0.5, 0.5, 1].flatMap((arm) => {
    const [x, y] = at(arm);
    const anchor = arm === -1 ? "start" : arm === 1 ? "end" : "middle";
    return [
      segment(x, y, x - up[0], y + up[1], { class: "string" }),
      label(x, y - 13, Math.abs(arm), { anchor, class: "soft" }),
    ];
  });
}

function hanging(k, [x, y], side) {
  const top = y + 16;
  const square = { x: x - side / 2, y: top, width: side, height: side };
  return [
    segment(x, y, x, top, { class: "string" }),
    node("rect", { ...square, fill: "var(--paper)" }),
    node("rect", { ...square, fill: `url(#pattern-${k})`, class: `edge class-${k}` }),
    label(x, top + (side > 22 ? side / 2 + 5 : side + 15), k, {
      anchor: "middle", class: `strong class-${k}`,
    }),
  ];
}

function leverLabel(k, x, share, arm, brieflySaid) {
  const anchor = k ? "end" : "start";
  return [
    label(x, 182, className(k), { anchor, class: `strong class-${k}` }),
    label(
      x, 200, `${massText(share)}${brieflySaid ? "" : " of the mass"} × ${significant(arm)}`, { anchor },
    ),
  ];
}

/** A share in per cent, near a hundred with the digits that tell it from that. */
function massText(share) {
  const rest = 100 * (1 - share);
  const text = rest < 1
    ? fixed(100 * share, Math.min(6, -Math.floor(Math.log10(rest)))) : brief(100 * share);
  return `${text}\u00a0%`;
}

// Section 2: questions whose answers are computed when they are asked for, and not shown before.

function ownProba(weight, count) {
  const { slope, bias } = fitSim1({ weight, count });
  return meanProbaSim1(slope, bias)[0][0];
}

const RARE_SHARE = [0.1, 0.9];

const QUESTIONS = [
  {
    name: "equal weights",
    text: "1,000 samples of class 0, 10,000 of class 1, on the densities above, and no weights. "
      + "Which mean probability do samples of class 0 get of their own class?",
    range: [0, 1, 0.01], ticks: [0, 0.25, 0.5, 0.75, 1], decimals: 3,
    truth: () => ownProba([1, 1], [1000, 10000]),
    because: (truth) => `A sample of the rare class is given its own class with ${fixed(truth, 3)} `
      + "on average. What it gives away is ten times what a sample of class 1 gives away: as many "
      + "times as class 1 has more samples.",
  },
  {
    name: "inverse weights",
    text: "The same samples, with inverse weights, 10 : 1. Which mean probability do samples of "
      + "class 0 get of their own class now?",
    range: [0, 1, 0.01], ticks: [0, 0.25, 0.5, 0.75, 1], decimals: 3,
    truth: () => ownProba([10, 1], [1000, 10000]),
    because: (truth) => `Both classes get ${fixed(truth, 3)}. Equal masses make them equally `
      + "probable; how probable that is depends on how far apart they are.",
  },
  {
    name: "a thousand times rarer",
    text: "Class 0 becomes a thousand times rarer than class 1, and its weight a thousand times "
      + "class 1’s. Again: which mean probability of their own class, with many samples of both?",
    range: [0, 1, 0.01], ticks: [0, 0.25, 0.5, 0.75, 1], decimals: 3,
    truth: () => ownProba([1000, 1], [1000, 1e6]),
    because: (truth) => `Still ${fixed(truth, 3)}. Only the masses are in the loss of very many `
      + "samples, and they are equal again. In a finite sample the rare class’s noise would show.",
  },
  {
    name: "fresh data",
    text: "Fresh data: one sample in ten is of the rare class, there are 50 features for 1,000 "
      + "samples, the means are two standard deviations apart, weights are inverse. How many times "
      + "what it gets does the rare class give away?",
    range: [0.5, 2.5, 0.01], ticks: [0.5, 1, 1.5, 2, 2.5], decimals: 3,
    truth: () => {
      const state = stateEvolution(0.05, RARE_SHARE, [9, 1], 2);
      return state.left[0] / state.right[0];
    },
    because: (truth) => `${fixed(truth, 3)} times, in the limit of many samples and features: the `
      + "model overfits its few rare samples. On the training sample it would be 1.",
  },
  {
    name: "the mean over a batch",
    text: "10,000 samples and 100, weights 1 : 100, batches of 64, PyTorch’s CrossEntropyLoss("
      + "weight=…), which divides by the weights in each batch. How many to one does the rare "
      + "class’s weight act?",
    range: [0, 100, 1], ticks: [0, 25, 50, 75, 100], decimals: 1,
    truth: () => {
      const weight = minibatchMeanWeight([1, 100], [10000, 100], 64);
      return weight[1] / weight[0];
    },
    because: (truth) => `${fixed(truth, 1)} : 1. A batch with a rare sample has a large divisor, so `
      + "that the rare class is weighted down just where it is present.",
  },
];

const guessing = { question: 0, revealed: false };

function askQuestion(k) {
  guessing.question = k;
  guessing.revealed = false;
  const { text, range: [low, high, step] } = QUESTIONS[k];
  const input = element("guess-value");
  Object.assign(input, { min: String(low), max: String(high), step: String(step) });
  input.value = String((low + high) / 2);
  element("guess-count").textContent = `${k + 1} of ${QUESTIONS.length}`;
  element("guess-question").textContent = text;
  element("guess-answer").textContent = "";
  delete element("guess-answer").dataset.value;
  redraw("guess");
}

function drawGuess() {
  const asks = QUESTIONS[guessing.question], { revealed } = guessing;
  const guess = valueOf("guess-value");
  showControl("guess-value", fixed(guess, asks.decimals === 1 ? 0 : 2));
  element("guess-value").disabled = revealed;
  element("guess-reveal").disabled = revealed;
  const truth = revealed ? asks.truth() : null;
  const words = `Your guess ${fixed(guess, 2)}${revealed ? `, the answer ${fixed(truth, 3)}` : ""}.`;
  // The slider is the axis: its thumb goes from 10 pixels to 10 before the end.
  draw(element("guess-scale"), 74, words, (width) => {
    const x = linearScale(asks.range, [10, width - 10]);
    const drawn = asks.ticks.flatMap((tick) => [
      segment(x(tick), 66, x(tick), 74, { class: "axis" }),
      label(x(tick), 62, tick, { anchor: anchorAt(x(tick), width, 12), class: "soft" }),
    ]);
    if (revealed) {
      drawn.push(
        segment(x(truth), 28, x(truth), 74, { class: "beam" }),
        label(x(truth), 20, fixed(truth, asks.decimals), {
          anchor: anchorAt(x(truth), width, 40), class: "strong",
        }),
        segment(x(guess), 36, x(truth), 36, { class: "curve thin class-1" }),
        node("circle", { cx: x(guess), cy: 36, r: 4, class: "hollow class-1" }),
      );
    }
    return drawn;
  });
}

/** Anchor of a label that shall stay inside of the drawing. */
function anchorAt(x, width, margin) {
  return x > width - margin ? "end" : x < margin ? "start" : "middle";
}

function reveal() {
  guessing.revealed = true;
  const asks = QUESTIONS[guessing.question], truth = asks.truth();
  const answer = element("guess-answer");
  answer.textContent = asks.because(truth);
  answer.dataset.value = String(truth);
  redraw("guess");
}

section("guess", drawGuess);
onClick("guess-reveal", reveal);
onClick("guess-next", () => askQuestion((guessing.question + 1) % QUESTIONS.length));
askQuestion(0);

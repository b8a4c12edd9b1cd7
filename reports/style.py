"""The house style of every figure, in one place."""

from __future__ import annotations

from typing import Any

# Okabe and Ito's colour-blind safe palette.
OBSERVED, PREDICTED, PAPER, THEORY = "#0072B2", "#D55E00", "#009E73", "#000000"

HOUSE_STYLE: Any = {
    "figure.dpi": 150,
    "savefig.dpi": 200,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.hashsalt": "learnprop",
}

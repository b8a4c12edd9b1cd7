"""Numbers as text: as many digits as their uncertainty supports, for the console or for LaTeX."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from learnprop.simulations.engine.time_left import TimeLeft


@dataclass(frozen=True)
class Markup:
    """How a medium writes what plain ASCII cannot."""

    plus_minus: str
    percent: str
    infinity: str
    space: str
    math: str
    """A format string around a formula."""

    def either(self, plain: str, formula: str) -> str:
        """Write plain text, or a formula where there are any."""
        return plain if self.math == "{}" else self.math.format(formula)


TEXT = Markup(plus_minus="±", percent=" %", infinity="inf", space=" ", math="{}")
LATEX = Markup(plus_minus=r" \pm ", percent=r"\,\%", infinity=r"\infty", space=r"\ ", math="${}$")


ROUNDING = 1e-12
"""An uncertainty below it is that of sums in float64."""


def decimals(uncertainty: float, least: int = 2) -> int:
    """Decimals that leave two significant digits to an uncertainty, at least `least`, 2 unknown.

    Examples
    --------
    >>> decimals(0.1145), decimals(0.0064), decimals(3.0), decimals(3.0, least=0)
    (2, 4, 2, 1)
    >>> decimals(3e-15)  # of numbers that are equal up to rounding
    2
    """
    if not (math.isfinite(uncertainty) and uncertainty > ROUNDING):
        return 2
    return min(9, max(least, 1 - math.floor(math.log10(float(f"{uncertainty:.1e}")))))


def mean_sd(mean: float, sd: float, uncertainty: float, markup: Markup = TEXT) -> str:
    """Write ``mean (SD)`` as the paper does.

    Examples
    --------
    >>> mean_sd(10.0449, 0.8099, 0.1145)
    '10.04 (0.81)'
    """
    n = decimals(uncertainty)
    return markup.math.format(f"{mean:.{n}f}") + " " + markup.math.format(f"({sd:.{n}f})")


def plus_minus(mean_mcse: float, sd_mcse: float, markup: Markup = TEXT) -> str:
    """Monte Carlo standard errors of a mean and of an SD, placed as in `mean_sd`.

    Examples
    --------
    >>> plus_minus(0.1145, 0.0899)
    '±0.11 (±0.09)'
    """
    n, sign = decimals(mean_mcse), markup.plus_minus.lstrip()
    first, second = f"{sign}{mean_mcse:.{n}f}", f"({sign}{sd_mcse:.{n}f})"
    return markup.math.format(first) + " " + markup.math.format(second)


def percent_interval(value: float, low: float, high: float, markup: Markup = TEXT) -> str:
    """Write a relative gap with its interval, in per cent.

    Two digits of the interval's longer arm, at most two of them decimals.

    Examples
    --------
    >>> percent_interval(0.0662, 0.0509, 0.0818), percent_interval(0.00662, 0.00509, 0.00818)
    ('+6.6 % [+5.1, +8.2]', '+0.66 % [+0.51, +0.82]')
    >>> percent_interval(0.0662, -math.inf, math.inf)
    '+7 % [-inf, +inf]'
    >>> percent_interval(87.649, -1.0, 260.0), percent_interval(1.9e24, -1.0, 4e24)
    ('+8765 % [-100, +2.6e+04]', '+1.9e+26 % [-100, +4.0e+26]')
    >>> percent_interval(-1e-9, -3e-9, 1e-9)
    '+0.00 % [+0.00, +0.00]'
    """
    arm = 100 * max(high - value, value - low)
    n = min(2, decimals(arm, least=0)) if math.isfinite(arm) else 0

    def signed(x: float) -> str:
        plain = abs(x) < 100 or math.isinf(x)
        text = f"{round(100 * x, n) + 0.0:+.{n}f}" if plain else f"{100 * x:+.1e}"
        return text.replace("inf", markup.infinity)

    text = f"{signed(value)}{markup.percent}{markup.space}[{signed(low)}, {signed(high)}]"
    return markup.math.format(text)


def small(value: float, markup: Markup = TEXT) -> str:
    r"""Write a number that is only of interest for its size.

    Examples
    --------
    >>> small(2.9e-13), small(2.9e-13, LATEX), small(0.0)
    ('2.9e-13', '$2.9 \\times 10^{-13}$', '0')
    """
    if not math.isfinite(value):
        return "-"
    text = f"{value:.1e}" if value else "0"
    if markup is TEXT or not value:
        return text
    digits, exponent = text.split("e")
    return markup.math.format(rf"{digits} \times 10^{{{int(exponent)}}}")


def weight_formula(label: str, markup: Markup = TEXT) -> str:
    r"""Write the formula of λ_0, which names a setting.

    Examples
    --------
    >>> weight_formula("N1/(N0+N1)", LATEX)
    '$\\frac{N_1}{N_0+N_1}$'
    """
    if markup is TEXT:
        return label
    numerator, _, denominator = re.sub(r"N(\d)", r"N_\1", label).partition("/")
    return markup.math.format(rf"\frac{{{numerator}}}{{{denominator.strip('()')}}}")


def duration(seconds: float) -> str:
    """Write a time span in the unit that people would use.

    Examples
    --------
    >>> duration(0.31), duration(42.3), duration(130), duration(7300), duration(300_000)
    ('0.3 s', '42 s', '2 min 10 s', '2 h 1 min', '3 d 11 h')
    >>> duration(float("nan"))
    'unknown'
    """
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    left = round(seconds)
    parts: list[str] = []
    for unit, size in units:
        n, left = divmod(left, size)
        if n or (unit == "s" and not parts):
            parts.append(f"{n} {unit}")
    return " ".join(parts[:2])


def time_text(left: TimeLeft) -> str:
    """Say how long a study still takes, and what that does not know.

    Examples
    --------
    >>> time_text(TimeLeft(80.0)), time_text(TimeLeft(4.0, unseen=1))
    ('about 1 min 20 s', 'about 4.0 s, 1 cell not seen yet')
    """
    cells = f", {left.unseen} cell{'s' * (left.unseen > 1)} not seen yet" if left.unseen else ""
    return f"about {duration(left.seconds)}{cells}"

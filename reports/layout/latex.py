"""From plain text and Markdown to LaTeX, and the frame of a document that any pdflatex compiles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from learnprop.reports.layout.spelling import greek_name

if TYPE_CHECKING:
    from markdown_it.token import Token

PREAMBLE = r"""\documentclass{article}
\usepackage[margin=2cm]{geometry}
\usepackage{booktabs}
\usepackage{siunitx}
\usepackage{graphicx}
\usepackage{multicol}
\setlength{\emergencystretch}{3em}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5\baselineskip plus 2pt minus 2pt}
\setlength{\abovecaptionskip}{6pt}
\setlength{\belowcaptionskip}{6pt}
% Tables and figures with their captions are words of a paragraph: two narrow ones are beside each
% other, a wide one is alone, and what is too large for the page is scaled down.
\newsavebox{\fitbox}
\newlength{\blockwidth}
\newcommand{\fit}[1]{%
  \sbox{\fitbox}{#1}%
  \ifdim\wd\fitbox>0.52\linewidth
    \setlength{\blockwidth}{\linewidth}\else\setlength{\blockwidth}{0.475\linewidth}\fi
  \ifdim\wd\fitbox>\blockwidth
    \sbox{\fitbox}{\resizebox{\blockwidth}{!}{\usebox{\fitbox}}}\fi
  \ifdim\dimexpr\ht\fitbox+\dp\fitbox\relax>0.85\textheight
    \sbox{\fitbox}{\resizebox*{!}{0.85\textheight}{\usebox{\fitbox}}}\fi}
\raggedcolumns
\setcounter{collectmore}{-2} % lines fewer for a page than seem to fit: the last need not
\setlength{\vfuzz}{12pt} % a column may be a line too long: the margin has room
\makeatletter
\newcommand{\block}[2]{%
  \begin{minipage}[t]{\blockwidth}\centering\def\@captype{#1}#2\end{minipage}%
  \hspace{0.04\linewidth}\ignorespaces}
\makeatother
\newcommand{\tableblock}[2]{\fit{#2}\block{table}{\caption{#1}\usebox{\fitbox}}}
\newcommand{\figureblock}[2]{\fit{#2}\block{figure}{\usebox{\fitbox}\caption{#1}}}
\newenvironment{blocks}
  {\par\centering\setlength{\lineskip}{1.5\baselineskip}\clubpenalty=0 \widowpenalty=0 }{\par}
% A character that no font here has, by its number.
\DeclareRobustCommand{\hexbox}[2]{{\setlength{\fboxsep}{0.8pt}\setlength{\fboxrule}{0.2pt}%
  \raisebox{-0.3ex}{\fbox{\tiny\ttfamily\shortstack{#1\\#2}}}}%
  \allowbreak}
\ifdefined\DeclareUnicodeCharacter
"""

DEBIAN_PACKAGES = "latexmk texlive-latex-recommended texlive-science"
"""What has all that `PREAMBLE` loads, and what compiles it; siunitx is in the last."""


_GREEK = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"
_SYMBOLS = {letter: "\\" + greek_name(letter) for letter in _GREEK} | {
    "∂": r"\partial", "→": r"\to", "≠": r"\neq", "≤": r"\leq", "≥": r"\geq", "∝": r"\propto",
    "≈": r"\approx", "∞": r"\infty", "−": "-", "±": r"\pm", "×": r"\times", "…": r"\ldots",
    "\u0304": r"\llap{$\bar{\phantom{p}}$}",
}  # fmt: skip
"""What our protocols write and pdflatex does not know. The macron stands after its letter."""

_NOT_IN_OLD_FONTS = "«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ"
"""Of the Latin letters up to U+017F, what pdflatex's default encoding has not."""


def preamble(text: str = "") -> str:
    r"""Everything before ``\begin{document}``; other engines know the symbols by themselves.

    Parameters
    ----------
    text : str
        Of the document: characters in it that pdflatex cannot print are shown by their number.

    Returns
    -------
    str

    Examples
    --------
    >>> print(preamble("中").splitlines()[-2])
    \DeclareUnicodeCharacter{4E2D}{\hexbox{4E}{2D}}
    """
    printed = {c: rf"\ensuremath{{{formula}}}" for c, formula in _SYMBOLS.items()}
    known = {chr(i) for i in range(0x180)} - set(_NOT_IN_OLD_FONTS) | set("–—‘’“”•†‡€™")
    for character in sorted(set(text) - known - set(printed)):
        number = f"{ord(character):04X}" if character <= "\uffff" else f"{ord(character):06X}"
        half = len(number) // 2
        printed[character] = rf"\hexbox{{{number[:half]}}}{{{number[half:]}}}"
    declared = "".join(
        rf"\DeclareUnicodeCharacter{{{ord(character):04X}}}{{{how}}}" + "\n"
        for character, how in printed.items()
    )
    return PREAMBLE + declared + "\\fi\n"


_OLD_FONTS = {
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "--": "-{}-",
    "`": r"\textasciigrave{}", "''": "'{}'",
}  # fmt: skip
"""What LaTeX's default encoding shows as something else, and pandas leaves as it is."""


@cache
def escaped(text: str) -> str:
    r"""Write plain text in LaTeX, for any font encoding.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> escaped("a_b & 50 %")
    'a\\_b \\& 50 \\%'
    >>> print(escaped("<=50K"))
    \textless{}=50K
    """
    import pandas as pd

    cell = pd.DataFrame([[" ".join(text.split())]]).style.hide(axis="index").hide(axis="columns")
    _, row, *_ = cell.format(escape="latex").to_latex().splitlines()
    row = row.removesuffix(r" \\")
    for plain, command in _OLD_FONTS.items():
        row = row.replace(plain, command)
    return row


def escaped_words(text: str) -> str:
    r"""`escaped` words of ours, whose symbols become formulas.

    Examples
    --------
    >>> print(escaped_words("λ0: a_b, 1 ± 2"))
    $\lambda_{0}$: a\_b, 1 $\pm$ 2
    """
    words = re.sub(r"λ(\d+)", r"$\\lambda_{\1}$", escaped(text))
    for character, formula in _SYMBOLS.items():
        words = words.replace(character, f"${formula}$")
    return words


def from_markdown(text: str, *, level: int = 0) -> str:
    r"""Write Markdown of headings, paragraphs, lists, code and emphasis in LaTeX.

    Parameters
    ----------
    text : str
    level : int
        Of its first heading: 0 is a section, 1 a subsection.

    Returns
    -------
    str

    Examples
    --------
    >>> print(from_markdown("# Aims\n\n- is `a_b` so?"))
    \section*{Aims}
    \begin{itemize}
    \item is \texttt{a\_b} so?
    \end{itemize}
    """
    from markdown_it import MarkdownIt

    commands = ("section*", "subsection*", "subsubsection*", "paragraph")
    lines: list[str] = []
    item = heading = ""
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "heading_open":
            heading = commands[min(int(token.tag[1:]) - 1 + level, len(commands) - 1)]
        elif token.type == "list_item_open":
            item = r"\item "
        elif token.type == "bullet_list_open":
            lines.append(r"\begin{itemize}")
        elif token.type == "bullet_list_close":
            lines.append(r"\end{itemize}")
        elif token.type == "inline":
            words = _inline(token.children or [])
            lines.append(f"\\{heading}{{{words}}}" if heading else item + words)
            item = heading = ""
        elif token.type == "paragraph_close" and not token.hidden:
            lines.append("")
    return "\n".join(lines).rstrip("\n")


def _inline(tokens: Sequence[Token]) -> str:
    written = []
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            written.append("\n")
        elif token.type == "code_inline":
            written.append(rf"\texttt{{{escaped(token.content)}}}")
        elif token.content:
            before = " " if token.content[:1] == " " else ""
            after = " " if token.content[-1:] == " " else ""
            written.append(before + escaped(token.content) + after)
    return "".join(written)

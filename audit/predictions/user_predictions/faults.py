"""Errors of files, each one line."""

from __future__ import annotations

from learnprop.equations.arguments import BadArgument


def damaged(error: Exception) -> BadArgument:
    """Say of ``file`` what a reader says of its bytes.

    Examples
    --------
    >>> print(damaged(EOFError("Compressed file ended")))
    file cannot be read: Compressed file ended
    """
    reason = " ".join(str(error).split()) or type(error).__name__
    reason = "".join(c if c.isprintable() else "?" for c in reason)
    return BadArgument("file", f"cannot be read: {reason[:200]}")

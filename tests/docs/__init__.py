"""The pages of the documentation, executed: what a block may be, and how it is run.

A page is README.md or any Markdown below docs/. Every code block of it is one of these, by the
word behind its fence:

``pycon``
    A session, a doctest. A blank line within what is printed is a blank line there.
``python``
    Executed; what it prints is in a comment behind each ``print``, or in the ``output`` below it.
``sh``
    Its lines are executed one by one. A status that is not 0 is in a comment: ``# exit status 1``.
``output``
    What the block directly above it printed; ``...`` stands for anything.
``math``
    A formula in LaTeX; the site shows MathML. Within a line it stands between dollars.
``text``
    No code: a message, a picture of letters. It must not look like code.

Blocks of a page share their names and a folder that is empty at first. A block that is not run has
the reason above it, ``<!-- not run: it needs a cluster -->``; its command lines are still parsed
against the real options. ``<!-- slow -->`` anywhere makes the whole page one of the slow tests,
``<!-- run by: tests/test_extending.py -->`` says that a test of its own runs it. Pages that are
generated are not run.
"""

"""``python -m learnprop`` is the command ``learnprop``."""

from learnprop.cli import main

main()

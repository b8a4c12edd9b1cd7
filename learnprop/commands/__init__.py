"""The commands that learnprop has, a file for each kind."""

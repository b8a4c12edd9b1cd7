"""One short file per study, that reads like the paper's set-up."""

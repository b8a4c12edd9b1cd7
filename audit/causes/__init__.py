"""Why a classifier acts upon other weights than it was given: one file for each kind of cause."""

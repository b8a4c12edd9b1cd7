"""A grid of `learnprop explore`, run and reported."""

from learnprop.reports.explore.report import explore_contents
from learnprop.reports.explore.summary import summarise
from learnprop.reports.study_report import write_contents
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.store import read_measurements
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.explore.study import make_study

NAMES = ("a_b & 50 %", "<=50K $x$ #1", "größe ~^")


def reported(options, folder):
    study = make_study(options)
    with open_store(folder, study.name, study.design) as store:
        list(run_study(study, store))
        table = summarise(study, store)
        measured = {cell.name: read_measurements(store, cell.name) for cell in study.cells}
    write_contents(explore_contents(table), folder)
    return study, table, measured

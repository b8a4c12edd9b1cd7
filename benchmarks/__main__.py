"""Run benchmarks by name."""

import argparse

from benchmarks import (
    cnn,
    coverage,
    explore,
    fits,
    fitted_models,
    harness,
    losses,
    softmax,
    startup,
)

BENCHMARKS = {
    "startup": startup.run,
    "sim1": fits.run_sim1,
    "sim2": fits.run_sim2,
    "softmax": softmax.run,
    "growth": softmax.run_growth,
    "explore": explore.run,
    "cnn": cnn.run,
    "cnn-cuda": cnn.run_cuda,
    "losses": losses.run,
    "harness": harness.run,
    "memory": harness.run_memory,
    "coverage": coverage.run,
    "fitted-models": fitted_models.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--runs", type=int, default=100, help="replications of the fits")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    for name in arguments.names or BENCHMARKS:
        print(f"== {name}", flush=True)
        BENCHMARKS[name](arguments.runs)


if __name__ == "__main__":
    main()

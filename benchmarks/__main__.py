"""Run benchmarks by name."""

import argparse
import sys
from importlib import import_module

BENCHMARKS = {
    "startup": "startup:run",
    "sim1": "fits:run_sim1",
    "sim2": "fits:run_sim2",
    "softmax": "softmax:run",
    "growth": "softmax:run_growth",
    "leaving-out": "leaving_out:run",
    "explore": "explore:run",
    "cnn": "cnn:run",
    "losses": "losses:run",
    "adding-up": "adding_up:run",
    "audit": "audit:run",
    "harness": "harness:run",
    "memory": "harness:run_memory",
    "coverage": "coverage:run",
    "fitted-models": "fitted_models:run",
}

COMMANDS = {"gpu": "gpu.run:main", "gpu-pack": "gpu.pack:main", "gpu-import": "gpu.home:main"}
"""With options of their own. A GPU's machine need not have what the peers above are made of."""


def found(place: str):
    """Import a function of a module of ours."""
    module, _, name = place.partition(":")
    return getattr(import_module(f"benchmarks.{module}"), name)


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        sys.exit(found(COMMANDS[sys.argv[1]])(sys.argv[2:]))
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=f"With options of their own: {', '.join(COMMANDS)}.",
    )
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--runs", type=int, default=100, help="replications of the fits")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    for name in arguments.names or BENCHMARKS:
        print(f"== {name}", flush=True)
        found(BENCHMARKS[name])(arguments.runs)


if __name__ == "__main__":
    main()

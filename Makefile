# `make table1` and `make test` are all that a fresh checkout needs: python3 (>= 3.11), venv and make.
# Where python3 is older: make table1 PYTHON=python3.12
PYTHON ?= python3
MINUTES ?= 9
OUT    ?= gpu-results
VENV   := .venv
READY  := $(VENV)/.installed
SITE   := $(VENV)/.site
DEV    := $(VENV)/.developer

.PHONY: table1 test test-slow lint format docs benchmarks dist gpu gpu-pack clean

table1: $(READY)   ## reproduce Table 1 afresh into reproduced/table1/, and compare it with results/table1/
	$(VENV)/bin/learnprop table1 --out reproduced/table1 --fresh
	$(VENV)/bin/learnprop compare reproduced/table1 results/table1

# A file at a time on each core, in their order: the last ones are short, and the cores end together.
# A test that kills its process ends the run: the tests of that process, handed on, would wait for ever.
BESIDE := --numprocesses auto --dist loadfile --no-loadscope-reorder --max-worker-restart 0

test: $(DEV)     ## the default tests, docstring examples included; a file at a time on each core
	$(VENV)/bin/python -m pytest $(BESIDE)

test-slow: $(DEV)  ## the tests that take minutes
	$(VENV)/bin/python -m pytest -m slow $(BESIDE)

lint: $(DEV)     ## style, types, and the direction of the imports
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache

format: $(DEV)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

docs: $(SITE)    ## the documentation, into site/; and what is generated and committed: pages, types, picture
	$(VENV)/bin/python docs/tools/build_site.py

benchmarks: $(DEV)    ## ours and the peers in pairs, into results/benchmarks.csv: ten minutes of an idle machine
	$(VENV)/bin/python -m benchmarks

dist: $(DEV)     ## sdist and wheel of what is committed, into dist/: checked, installed elsewhere, run
	rm -rf dist
	$(VENV)/bin/python -m tests.built dist

# A machine with a GPU may have no network: there it runs in what is installed. OPTIONS=--quick rehearses.
gpu:               ## check, time and collect evidence on a GPU, within MINUTES, into OUT
	$(if $(wildcard $(READY)),$(VENV)/bin/python,$(PYTHON)) -m benchmarks gpu --minutes $(MINUTES) --out $(OUT) $(OPTIONS)

gpu-pack: $(DEV) ## what a GPU's machine needs beyond the checkout, into gpu-pack/
	$(VENV)/bin/python -m benchmarks gpu-pack

# A stamp is newer than both files exactly when what they name is installed: the package alone, with
# what makes its site, or with what tests it, which is half as much again. pip need not compile all of
# it, two thirds of its time: Python compiles what it imports.
define INSTALL
@python="$$(test -x $(VENV)/bin/python && echo $(VENV)/bin/python || echo $(PYTHON))"; \
"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
    echo "Python 3.11 or newer is needed, and $$python is $$("$$python" --version 2>&1);" \
        "name another: make clean; make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
$(VENV)/bin/python -m pip install --quiet --no-compile --constraint constraints.txt --editable
endef

$(READY): pyproject.toml constraints.txt
	$(INSTALL) .
	touch $@

$(SITE): pyproject.toml constraints.txt
	$(INSTALL) '.[docs]'
	touch $(READY) $@

$(DEV): pyproject.toml constraints.txt
	$(INSTALL) '.[dev]'
	touch $(READY) $(SITE) $@

clean:
	rm -rf $(VENV) build/docs site .cache .mypy_cache .ruff_cache .pytest_cache *.egg-info

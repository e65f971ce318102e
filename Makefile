# Everything a newcomer needs: `make demo` and `make test`. Each target sets up what it uses.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
READY := $(VENV)/.ready

.PHONY: help demo hub test test-slow lint build bench
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nbseal needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	$(BIN)/python -m compileall -q src
	touch $@

demo: $(READY)  ## build the releases, make a small class, grade it, print the gradebook
	$(BIN)/python -m tests.demo

hub: $(READY)  ## a JupyterHub with a small class on this machine, until Ctrl-C
	$(BIN)/nbseal-hub demo

test: $(READY)  ## run the tests of marks, walls and pages
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not slow" $(PYTEST_ARGS)

test-slow: $(READY)  ## run the whole-system tests: browsers, hubs, databases, other platforms
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m slow $(PYTEST_ARGS)

lint: $(READY)  ## style, types, import layers, notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m nbseal.build.lint source/*/*.ipynb

build: $(READY)  ## make release/ and solutions/ from source/
	$(BIN)/nbseal build

bench: $(READY)  ## measure nbseal beside its peers, and keep the table
	$(BIN)/python -m benchmarks

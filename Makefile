# Everything a newcomer needs: `make demo` and `make test`. Each target first installs what it uses, all into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
# One more than processors: tests also wait, for limits and for other processes.
TESTS ?= 3
PYTEST := $(BIN)/python -m pytest -n $(TESTS) --dist loadfile --no-loadscope-reorder
COURSE := $(VENV)/.course
TEST := $(VENV)/.test
VERIFY := $(VENV)/.verify
HUB := $(VENV)/.hub
CLOUD := $(VENV)/.cloud
DEEP := $(VENV)/.deep
SCALE := $(VENV)/.scale
SITE := $(VENV)/.site
# Byte code is made by all processors at once, and of what may run in a sealed process, which can't keep any. A library's
# file that this Python can't compile, since it is meant for a newer one, is none of our business.
NEVER_SEALED := /(tests?|docutils|pip|playwright|setuptools|sphinx)/

.PHONY: help demo hub deep site site-links test test-slow lint build verify bench lock
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

define install
$(BIN)/python -m pip install --quiet --no-compile --requirement $<
$(BIN)/python -m compileall -qq -j 0 -x '$(NEVER_SEALED)' $(VENV)/lib src || true
endef

$(COURSE): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nbseal needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(install)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(TEST) $(VERIFY) $(HUB) $(CLOUD) $(DEEP) $(SCALE) $(SITE): $(VENV)/.%: requirements-%.txt $(COURSE)
	$(install)
	touch $@

demo: $(COURSE)  ## build the releases, make a small class, grade it, print the gradebook
	$(BIN)/python -m tests.demo

hub: $(COURSE) $(HUB)  ## a JupyterHub with a small class on this machine, until Ctrl-C
	$(BIN)/nbseal-hub demo

deep: $(COURSE) $(DEEP)  ## install PyTorch, which 08-deep trains networks with

test: $(COURSE) $(TEST) $(VERIFY) $(HUB) $(CLOUD) $(SCALE) $(SITE)  ## run the tests of marks, walls and pages
	$(PYTEST) -m 'not slow' $(PYTEST_ARGS)

test-slow: $(COURSE) $(TEST) $(VERIFY) $(HUB) $(CLOUD) $(SCALE) $(SITE)  ## run the whole-system suites
	$(PYTEST) -m slow $(PYTEST_ARGS)

lint: $(COURSE) $(TEST) $(VERIFY) $(HUB)  ## style, types, import layers, notebooks, the forge's workflow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m nbseal.cli lint
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

build: $(COURSE)  ## make release/ and solutions/ from source/
	$(BIN)/nbseal build --strict

verify: $(COURSE) $(VERIFY)  ## prove the hidden graders of all assignments; ARGS="01-gates --question nand" for one
	$(BIN)/nbseal verify --jobs $(JOBS) $(ARGS)

site: $(COURSE) $(SITE)  ## build the course site into site/, for students and for teachers, and check its own links
	$(BIN)/python docs/site/build.py

site-links: $(COURSE) $(SITE)  ## ask whether the site's external links still answer
	$(BIN)/python docs/site/build.py links

bench: $(COURSE)  ## measure nbseal beside its peers, and keep the table
	$(BIN)/python -m benchmarks

lock: $(COURSE)  ## write requirements*.txt anew from pyproject.toml; UPGRADE="NAME ..." (or all) takes newer versions
	$(BIN)/python deploy/lock.py $(UPGRADE)

# Each command works on a fresh clone: it makes .venv first if that is not there.
# Needs Python 3.11, 3.12 or 3.13, make and git.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/ready
BUILD := $(BIN)/jupyter-book build . -W -n --keep-going -q

.PHONY: help book test lab record choices roads weights bench lint release-check lock clean
.DEFAULT_GOAL := help

help:  ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: expected Python 3.11, 3.12 or 3.13 with its venv module; found none. \
	To mend it: install one, or  make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

book: $(READY)  ## build the site from the committed notebooks: _build/html/index.html
# Sphinx forgets the warnings of pages it does not read again, and does not look for new styles where no page is
# new: so what a failed build left, or one with other styles, is removed first.
	@test -e _build/good && test -z "$$(find book/_static -newer _build/good)" || rm -rf _build/html _build/.doctrees
	@rm -f _build/good
	$(BUILD)
	@touch _build/good
	@echo "The book: _build/html/index.html"

test: $(READY)  ## unit tests, doctests, every chapter in the quick profile, checks of the book
	$(BIN)/python -m pytest

lab: $(READY)  ## the chapters in JupyterLab
	$(BIN)/jupyter lab book/chapters

record: $(READY)  ## run a chapter for each seed, write its results: make record CHAPTER=03_kmeans_pseudo_labels
	$(BIN)/python -m tlbook record $(CHAPTER) $(if $(SEEDS),--seeds $(SEEDS))

choices: $(READY)  ## measure a chapter's settings on stand-ins: make choices CHAPTER=03_kmeans_pseudo_labels
	$(BIN)/python book/choices/$(CHAPTER).py

roads: $(READY)  ## measure chapter 4's methods on all training images, some two hours; installs the extra `peers`
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[peers]'
	$(BIN)/python book/roads/measure.py

weights: $(READY)  ## train the shipped letters networks anew
	$(BIN)/python -m tlbook weights

bench: $(READY)  ## measure the speed of rendering and of feature extraction on this machine
	$(BIN)/python tests/bench.py

lint: $(READY)  ## ruff: checks and formatting, notebooks too
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

release-check: lint book test  ## everything, and that no recorded output is older than the code it used
	$(BIN)/python -m tlbook record --stale

lock:  ## resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --upgrade \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements.lock

clean:  ## remove what was built; recorded runs and .venv stay
	rm -rf _build/html _build/.doctrees _build/good

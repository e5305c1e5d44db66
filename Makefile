# Each command works on a fresh clone: it makes .venv first if that is not there.
# Needs Python 3.11, 3.12 or 3.13, make and git.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
SITE := .venv/site
READY := .venv/ready
BUILD := $(BIN)/jupyter-book build . -W -n --keep-going
ROOT_USER := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help book site-archive test lab coursework record choices roads weights bench lint release-check lock clean
.DEFAULT_GOAL := help
# Recipes read these from the environment: pasted into a command, their text would be run. LAB is split into words.
export CHAPTER SEEDS BACKEND LAB
ifneq ($(BACKEND),$(filter jax torch,$(firstword $(BACKEND))))
  $(error BACKEND: expected jax or torch; found something else. To mend it: make test BACKEND=jax)
endif
ifneq ($(WORKERS),$(filter 1 2 3 4 5 6 7 8,$(firstword $(WORKERS))))
  $(error WORKERS: expected a number from 1 to 8; found something else. To mend it: make test WORKERS=2)
endif
# Where dear calls of programs are answered from, as those of a recording are; FRESH=1: they are computed.
STORE := TLBOOK_STORE="$${TLBOOK_STORE:-$${TLBOOK_CACHE:-$$HOME/.cache/tlbook}/store}" TLBOOK_FRESH=$(if $(FRESH),1)

help:  ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

# Two steps into one environment: what builds the site is small, and what runs the chapters comes only when needed.
$(SITE): requirements-site.lock
	@test -n "$(PYTHON)" || { echo "make: expected Python 3.11, 3.12 or 3.13 with its venv module; found none. \
	To mend it: install one, or  make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Installing what builds the site into .venv: some 290 MB on the disk, a minute or less on a fast line."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --require-hashes --requirement requirements-site.lock
	@touch $@

$(READY): $(SITE) requirements.lock pyproject.toml
	@echo "Installing what runs the chapters into .venv, TensorFlow among it: some 3 GB on the disk, a few minutes."
	$(BIN)/python -m pip install --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --no-build-isolation --no-deps --editable .
	@$(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements 2>/dev/null
# What TensorFlow's C++ logs goes to the terminal, not in red under a notebook's first cell.
	@mkdir -p .venv/etc/ipython
	@echo '{"IPKernelApp": {"capture_fd_output": false}}' >.venv/etc/ipython/ipython_kernel_config.json
	@touch $@

book: $(SITE)  ## build the site from the committed notebooks: _build/html/index.html
# Sphinx forgets the warnings of pages it does not read again, and does not look for new styles where no page is
# new: so what a failed build left, or one with other styles, settings or menu, is removed first.
	@test -e _build/good && test -z "$$(find book/_static _config.yml _toc.yml -newer _build/good)" || rm -rf _build/html _build/.doctrees
	@rm -f _build/good
	$(BUILD)
# The package as one file, for who downloads a notebook alone.
	@rm -rf build _build/html/tlbook-*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir _build/html .
	@rm -rf build
	@touch _build/good
	@echo "The book: _build/html/index.html"

site-archive: book  ## the built site as one file that opens without a network: _build/site.zip
	@rm -f _build/site.zip
	@cd _build && ../$(BIN)/python -m zipfile --create site.zip html
	@echo "The site: _build/site.zip; unpack it and open html/index.html"

# What runs on a backend other than TensorFlow: all that chapters call, and the chapters that were tried there.
ON_BACKEND := tests/unit tests/book/test_code_page.py tlbook $(patsubst %,book/chapters/%.ipynb,03_kmeans_pseudo_labels 04_neighbours 05_features_without_labels 06_distillation)
# WORKERS=2: two files at a time, each file's tests in their order.
test: $(READY)  ## unit tests, doctests, chapters in quick, checks of the book; BACKEND=jax or torch: what runs there; WORKERS=2: two files at a time
	$(if $(BACKEND),$(BIN)/python -m pip install --no-build-isolation --editable '.[$(BACKEND)]')
	$(if $(BACKEND),KERAS_BACKEND=$(BACKEND)) $(BIN)/python -m pytest $(if $(WORKERS),--numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder) $(if $(BACKEND),$(ON_BACKEND))

lab: $(READY)  ## the chapters in JupyterLab
	@set -f; exec $(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/book/chapters \
	  --LabApp.extra_labextensions_path=book/_lab $(ROOT_USER) $$LAB

record: $(READY)  ## run a chapter for each seed, write its results: make record CHAPTER=03_kmeans_pseudo_labels
	$(BIN)/python -m tlbook record "$$CHAPTER" $(if $(SEEDS),--seeds "$$SEEDS") $(if $(FRESH),--fresh)

choices: $(READY)  ## measure a chapter's settings on stand-ins: make choices CHAPTER=03_kmeans_pseudo_labels
	$(STORE) $(BIN)/python "book/choices/$$CHAPTER.py"

roads: $(READY)  ## measure methods without labels on all training images, some two hours; installs the extra `peers`
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[peers]'
	$(STORE) $(BIN)/python book/roads/measure.py

coursework: $(READY)  ## what teachers hand out and what they keep, slides and quizzes among it: _build/coursework
	$(BIN)/python -m tlbook course kit _build/coursework

weights: $(READY)  ## train the shipped letters networks anew
	$(BIN)/python -m tlbook weights

bench: $(READY)  ## measure the speed of rendering and of feature extraction on this machine
	$(BIN)/python tests/bench.py

lint: $(READY)  ## ruff: checks and formatting, notebooks too
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

release-check: lint book test  ## everything, and that every chapter comes out as it was recorded: some hours
	$(BIN)/python -m tlbook record --stale
	$(BIN)/python -m tlbook record --replay

UV := uv pip compile --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock:  ## resolve both lock files anew (needs uv)
	$(UV) --upgrade pyproject.toml --extra dev --group site --output-file requirements.lock
	$(UV) --group site --constraint requirements.lock --python-version 3.11 --output-file requirements-site.lock

clean:  ## remove what was built; recorded runs and .venv stay
	rm -rf _build/html _build/.doctrees _build/good

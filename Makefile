# Everything that a checkout can do. `make run` on a fresh clone is all that a user needs.
.DEFAULT_GOAL := help
.PHONY: help install run test lint format bench report screenshots lock clean
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
IS_3_11 := -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Create .venv and install the pinned dependencies

run: install ## Install, then start everything on this machine: plankton up
	@exec $(BIN)/plankton up

# glibc keeps freed memory: on virtual machines every page it fetches anew costs much, and TensorFlow
# fetches and frees all the time (large networks' tests took a third longer).
test: export MALLOC_TRIM_THRESHOLD_ := 4294967296
test: export MALLOC_TOP_PAD_ := 67108864
test: export MALLOC_MMAP_MAX_ := 0
test: install ## Run all tests (as root on Debian: install Chromium and PostgreSQL first)
	deploy/test-packages.sh
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; set -x; \
	$(BIN)/pytest -n 2 --dist loadfile --basetemp="$$folder/t" $(ARGS)

lint: install ## Check style, types and the walls between rooms
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: install ## Measure the encoders; with FOLDER=cut-outs, a running stack too
	$(BIN)/python benchmarks/encoders.py
	@if [ -n "$(FOLDER)" ]; then set -x; $(BIN)/python benchmarks/main_job.py "$(FOLDER)"; fi

report: install ## Judge the encoder: FOLDER=PlanktonSet [OTHER=another set] into docs/retrieval.md
	$(BIN)/python benchmarks/report.py $(if $(FOLDER),"$(FOLDER)") $(if $(OTHER),--other "$(OTHER)")

screenshots: install ## Take pictures of every page, light and dark, into docs/images
	$(BIN)/python benchmarks/screenshots.py $(PAGES)

lock: install ## Resolve the dependencies again and pin them
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --generate-hashes \
	  --no-emit-index-url --no-header -o requirements.lock

clean: ## Remove .venv and caches; data in .plankton stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# Done again only when the pins or the project's own metadata change. uv is pinned, with its hash,
# by the lock file that it then installs.
$(STAMP): requirements.lock pyproject.toml
	@if [ -x $(BIN)/pip ] && $(BIN)/python $(IS_3_11); then exit 0; fi; \
	for name in python3.11 python3 python; do \
	    if "$$name" $(IS_3_11); then python="$$name"; break; fi; done; \
	if [ -z "$${python-}" ]; then \
	    echo "plankton-stream needs Python 3.11: apt install python3.11-venv," >&2; \
	    echo "or brew install python@3.11, or uv python install 3.11." >&2; exit 1; fi; \
	echo "Creating $(VENV) with $$(command -v "$$python")"; \
	"$$python" -m venv --clear $(VENV) || { \
	    rm -rf $(VENV); echo "$$python cannot make it: apt install python3.11-venv." >&2; exit 1; }
	@echo "Installing the dependencies (about 2.5 GB, minutes on a first run)"
	@awk '/^[^ ]/ {wanted = /^uv==/} wanted' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps -e .
	@touch $@

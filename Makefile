# What each target does is told in the README. Every target makes what it needs first.

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)
PORT ?= 8000
WORKERS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq
# The project itself is never fetched and brings no build tool of its own: both come from the hashed list.
EDITABLE := $(PIP) --no-deps --no-build-isolation --editable .
# For every platform and Python from 3.11 on at once: what one of them needs carries its marker.
COMPILE := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links --annotation-style line pyproject.toml

export PORT

.PHONY: run install test check bench requirements clean
.DEFAULT_GOAL := run

# The last command replaces its shell, so that a signal to make reaches the supervisor itself.
run: $(VENV)/.for-running
	@$(BIN)/fairlead db upgrade && $(BIN)/fairlead demo --if-empty && exec $(BIN)/fairlead up

install: $(VENV)/.for-developing

test: $(VENV)/.for-developing
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: $(VENV)/.for-developing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/djlint templates --lint --quiet

bench: $(VENV)/.for-developing
	@$(BIN)/python -m benchmarks $(ARGS)

# Pins every dependency anew, with the hashes of all its files; review the difference before committing it.
requirements: $(VENV)/.for-developing
	@$(COMPILE) --output-file requirements.txt
	@$(COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "Fairlead needs Python 3.11 or newer on the PATH, or PYTHON=/path/to/it."; exit 1; fi
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.for-running: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing what Fairlead runs on"
	@$(PIP) --require-hashes --requirement requirements.txt
	@$(EDITABLE)
	@touch $@

$(VENV)/.for-developing: requirements.txt requirements-dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing what Fairlead runs on and is tested with"
	@$(PIP) --require-hashes --requirement requirements-dev.txt
	@$(EDITABLE)
	@touch $(VENV)/.for-running $@

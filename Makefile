# `make run` and `make test` do all their set-up themselves; nothing else is needed first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JAVASCRIPT := tests/javascript/node_modules/.ready

.PHONY: run test test-all lint bench clean system setup setup-javascript

run: setup
	@$(BIN)/factory-tui demo

test: lint setup-javascript
	$(BIN)/pytest -n auto --dist worksteal -m "not slow"

test-all: lint setup-javascript
	$(BIN)/pytest -n auto --dist worksteal

# The packs are no package of ours: they are loaded by path, and their names are those of SDKs.
lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=. $(BIN)/mypy --strict --explicit-package-bases twins/okta twins/slack twins/jira
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m bench

setup: system $(READY)

# What Python cannot bring along: the sandbox, git, and a terminal for the tests.
system:
	@PYTHON="$(PYTHON)" sh tools/system-packages

$(READY): pyproject.toml tools/make-venv
	@sh tools/make-venv "$(PYTHON)" "$(VENV)"
	@touch $(READY)

# The vendors' JavaScript clients, which the tests of the twins use.
setup-javascript: setup $(JAVASCRIPT)

$(JAVASCRIPT): tests/javascript/package.json tools/make-javascript
	@sh tools/make-javascript "$(BIN)/python" tests/javascript
	@touch $(JAVASCRIPT)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
		tests/javascript/node_modules

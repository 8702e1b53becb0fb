# Everything is kept in this folder: .venv, node_modules, build, .qldbkit.
# Needs python3 (3.11 or later), make and git; nothing else has to be installed.

PYTHON ?= python3
BIN := .venv/bin
# The Node that the CDK runs on comes with the Python packages.
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PYTEST := $(BIN)/python -m pytest -q
# uv installs what pip does, in seconds instead of minutes.
UV := $(BIN)/uv pip install -q --system-certs --python $(BIN)/python

# The hot loops in C, which are built with the package where there is a compiler.
KERNEL := $(wildcard qldbkit/journal/native/*)

.DEFAULT_GOAL := help
.PHONY: help setup demo test unit infrastructure simulation simulate integration conformance \
	deploy-local destroy-local serve lint format types check bench cli-docs hooks clean

help:  ## Show what there is
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { \
		n = split($$1, names, " "); \
		for (i = 1; i <= n; i++) printf "  %-16s%s\n", names[i], $$2 }' $(MAKEFILE_LIST)

setup: .venv/python.stamp .venv/node.stamp  ## Install what is missing

.venv/python.stamp: requirements.txt requirements-no-deps.txt requirements-dev.txt pyproject.toml $(KERNEL)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "qldbkit needs Python 3.11 or later: make setup PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the Python packages into .venv"
	@$(BIN)/python -m pip install -q "$$(grep '^uv==' requirements.txt)"
	@$(UV) -r requirements-dev.txt
	@$(UV) --no-deps -r requirements-no-deps.txt
	@$(UV) --no-deps --reinstall-package qldbkit -e .
	@$(BIN)/qldbkit --version
	@touch $@

.venv/node.stamp: package-lock.json | .venv/python.stamp
	@echo "Installing the CDK command line into node_modules"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

demo: setup  ## Deploy both stacks on this machine, replicate a ledger, compare, destroy
	@$(BIN)/qldbkit demo

deploy-local: setup  ## Leave a local AWS running with both stacks deployed
	@$(BIN)/qldbkit local --detach
	@eval "$$($(BIN)/qldbkit local --env)" && cdk bootstrap \
		&& cdk deploy QldbBlogDbStack QldbBlogStreamStack --require-approval never

destroy-local: setup  ## Destroy both stacks and stop the local AWS
	@eval "$$($(BIN)/qldbkit local --env)" \
		&& cdk destroy QldbBlogStreamStack QldbBlogDbStack --force
	@$(BIN)/qldbkit local --stop

serve: setup  ## Serve the embedded ledger alone, until Ctrl-C
	@$(BIN)/qldbkit serve

test: setup  ## Run all the tests, two files at a time
	@$(PYTEST) -n 2 --dist loadfile

unit infrastructure simulation integration: setup  ## Run the tests of one kind
	@$(PYTEST) tests/$@

simulate: setup  ## Run the simulation: make simulate SEEDS=17, or a range of them, SEEDS=0:1000
	@$(if $(SEEDS),SEEDS=$(SEEDS)) $(PYTEST) tests/simulation

conformance: setup  ## Run the PartiQL conformance cases and print the rates
	@$(BIN)/python tests/conformance/rates.py

check: lint types  ## Lint, formatting and types

lint: setup  ## Lint and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup  ## Types
	@$(BIN)/mypy --strict qldbkit

format: setup  ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup  ## List the benchmarks, or run one: make bench RUN=verify ARGUMENTS="..."
ifdef RUN
	@$(BIN)/python bench/$(RUN).py $(ARGUMENTS)
else
	@for each in bench/*.py; do \
		printf '  %-18s' "$$(basename $$each .py)"; sed -n '1s/^"""\([^"]*\).*/\1/p' $$each; \
	done
endif

cli-docs: setup  ## Bring docs/cli.md up to date with what the commands say of themselves
	@$(BIN)/python -m qldbkit.cli.reference docs/cli.md

hooks: setup  ## Have git run the checks before each commit
	@UV_TOOL_DIR=$(CURDIR)/.venv/tools UV_TOOL_BIN_DIR=$(CURDIR)/$(BIN) \
		$(BIN)/uv tool install -q --system-certs pre-commit==4.7.0
	@$(BIN)/pre-commit install

clean:  ## Remove everything that was installed, built or stored
	rm -rf .venv node_modules build cdk.out .qldbkit .mypy_cache .ruff_cache .pytest_cache
	rm -f qldbkit/journal/_kernel.*.so

# Forecourt's commands; `make help` lists them.

PROFILE ?= solar_terminal
PORT ?= 8000
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-all check format generate graphiql bench clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/run gateway/pages/graphiql/dist/index.html ## Start the demo: make run PROFILE=software_house PORT=8010
	@$(BIN)/forecourt serve --demo --profile $(PROFILE) --port $(PORT)

# Where an image tells Python to keep no compiled code, each of some hundred processes would compile all of it again.
export PYTHONDONTWRITEBYTECODE :=

TESTED := .venv/dev gateway/pages/graphiql/dist/index.html
PYTEST := $(BIN)/python -m pytest -n auto
FAST := tests/schema tests/access tests/permissions/test_decisions.py tests/permissions/test_sheet.py tests/journeys/test_portal_page.py \
	tests/journeys/test_isolation.py tests/gateway/execution/test_answers.py tests/gateway/pipeline/test_http.py \
	tests/gateway/test_settings.py tests/docs/test_words.py tests/docs/test_house.py tests/docs/test_generated.py

test: $(TESTED) ## Run the tests, but for those that take long (some minutes)
	$(PYTEST) -m "not slow"

test-fast: $(TESTED) ## Run those that say most in less than a minute
	$(PYTEST) -m "not slow and not hypothesis" $(FAST)

test-all: test ## Run those that take long as well, and try properties on random examples
	$(PYTEST) -m "slow or hypothesis" --hypothesis-profile=random

check: .venv/dev ## Lint, types, import contracts, and whether generated files are current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m scripts.generate --check

format: .venv/dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: .venv/run ## Write what is made from the code: schema.graphql, the permissions sheet, the tables of settings
	$(BIN)/python -m scripts.generate

bench: .venv/dev ## Measure what a request costs beside the peers (some minutes), and write docs/performance.md
	$(BIN)/python -m bench --write-docs
	$(BIN)/python -m bench.guards

graphiql: gateway/pages/graphiql/dist/index.html ## Build the GraphiQL page

clean: ## Remove what the commands made, the data folder excepted
	rm -rf .venv gateway/pages/graphiql/dist gateway/pages/graphiql/page/node_modules tests/*/node_modules bench/peers/node_modules

# The virtual environment comes from the hash locks: .venv/run has what serving needs, .venv/dev what testing needs.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Forecourt needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try make PYTHON=python3.12 …") if sys.version_info < (3, 11) else 0'
	@$(PYTHON) -m venv .venv

PIP := $(BIN)/pip install -qq --disable-pip-version-check

.venv/run: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing what serving needs (once, some twenty seconds) ..."
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: requirements-dev.lock .venv/run
	@echo "Installing what testing needs (once, some twenty seconds) ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

GRAPHIQL_SOURCES := $(shell find gateway/pages/graphiql/page -type f -not -path '*/node_modules/*' 2>/dev/null)

gateway/pages/graphiql/dist/index.html: $(GRAPHIQL_SOURCES) scripts/node.py | .venv/run
	@echo "Building the GraphiQL page from npm (once, some twenty seconds) ..."
	@$(BIN)/python scripts/node.py npm --prefix gateway/pages/graphiql/page ci --ignore-scripts --no-audit --no-fund --silent
	@$(BIN)/python scripts/node.py npm --prefix gateway/pages/graphiql/page run --silent build >/dev/null
	@touch $@

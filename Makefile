# Everything a person or CI calls. Needs python3 (3.11 or later) and make, nothing else:
# the first call of any target makes .venv from the hashed lock file, later calls reuse it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
# The tests start the command some hundred times, and each start would compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE

# Relative paths throughout, so that a checkout path with spaces works.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.up-to-date
PACKAGES := canonical adapters gateway simulators

# Tests run on this many processes, one more than two cores since many of them wait for others; ARGS goes to
# pytest, as in: make test ARGS="-k stage".
JOBS ?= 3
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist worksteal
# How much `make soak` enlarges the tests: the factor behind `scaled`, in tests/scale.py. From 6 on every number that
# is promised as such is reached: 10,000 histories and lifecycles, 5,000 orders converted.
SOAK ?= 6

# The second SOAP stack of the tests: an npm package, pinned with all it needs in package-lock.json.
NODE := tests/adapters/soap/node
NODE_STAMP := $(NODE)/node_modules/.up-to-date

.PHONY: help setup demo test lint soak bench lock fmt clean node sshd databases

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## Make .venv with everything pinned, and the command legacy-bridge in it
	@:

# A virtual environment knows its own place: one that was moved or copied is made anew.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "setup: $$($(PYTHON) --version 2>&1 || echo 'no $(PYTHON)') found; Python 3.11 or later is needed (make setup PYTHON=python3.12)" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { v=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	       echo "setup: this Python cannot make virtual environments; run: sudo apt-get install -y python$$v-venv" >&2; exit 2; }
	@test "$$(cat $(VENV)/.made-at 2>/dev/null)" = "$$PWD" && $(BIN)/python -m pip --version >/dev/null 2>&1 \
	  || { echo "setup: making $(VENV)"; $(PYTHON) -m venv --clear $(VENV); echo "$$PWD" > $(VENV)/.made-at; }
	@echo "setup: installing the locked packages (about a minute the first time)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.lock
	@echo "setup: installing legacy-bridge itself"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@cp $(VENV)/.made-at $(STAMP)
	@echo "setup: done; the command is $(BIN)/legacy-bridge"

# The tests, the demo and a benchmark run a real OpenSSH server of their own, on loopback. Where it is missing
# it is installed only in a container of root's: anywhere else that would open this machine to the network.
SSHD := /usr/sbin/sshd
SSHD_INSTALL := apt-get install -y --no-install-recommends openssh-server
sshd:
	@test -x $(SSHD) || { \
	  if [ "$$(id -u)" = 0 ] && [ ! -d /run/systemd/system ] && command -v apt-get >/dev/null; then \
	    echo "sshd: installing Debian's OpenSSH server, for the tests and the demo"; \
	    { apt-get update && DEBIAN_FRONTEND=noninteractive $(SSHD_INSTALL); } >/dev/null; \
	  else \
	    echo "sshd: no OpenSSH server is installed; run: sudo $(SSHD_INSTALL)" >&2; \
	    echo "sshd: and, unless people log in here by SSH: sudo systemctl disable --now ssh" >&2; exit 2; \
	  fi; }

# The tests of database feeds run servers of their own, on free ports, with data of their own. Debian's packages start
# one on its standard port, too, which nothing here needs: where that would happen, a person decides.
DATABASES_INSTALL := apt-get install -y --no-install-recommends postgresql mariadb-server
databases:
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 && test -x /usr/sbin/mariadbd || { \
	  if [ "$$(id -u)" = 0 ] && [ ! -d /run/systemd/system ] && command -v apt-get >/dev/null; then \
	    echo "databases: installing Debian's PostgreSQL and MariaDB, for the tests"; \
	    { apt-get update && DEBIAN_FRONTEND=noninteractive $(DATABASES_INSTALL); } >/dev/null; \
	  else \
	    echo "databases: the tests need the servers of PostgreSQL and MariaDB; run: sudo $(DATABASES_INSTALL)" >&2; \
	    echo "databases: and, unless you use them: sudo systemctl disable --now postgresql mariadb" >&2; exit 2; \
	  fi; }

demo: setup sshd ## Run gateway and simulators, feed the fixtures through (KEEP=1 leaves them running)
	@$(BIN)/legacy-bridge demo $(if $(filter-out 0,$(KEEP)),--keep)

node: $(NODE_STAMP) ## Install the second SOAP stack that the tests call us with (needs Node.js 18 and npm)
	@:

$(NODE_STAMP): $(NODE)/package.json $(NODE)/package-lock.json
	@command -v node >/dev/null && command -v npm >/dev/null \
	  || { echo "node: the tests need Node.js 18 or later and npm; run: sudo apt-get install -y nodejs npm" >&2; exit 2; }
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' \
	  || { echo "node: $$(node --version) found; 18 or later is needed" >&2; exit 2; }
	@echo "node: installing the npm package soap for the tests"
	@cd $(NODE) && npm ci --silent --no-audit --no-fund --ignore-scripts && touch node_modules/.up-to-date

# Every check runs even where an earlier one fails, so one run shows all there is to mend. mypy has one thread: it
# runs beside the tests, and what it says stands behind theirs.
test: setup sshd databases node ## Lint, types and the whole test suite
	@failed=; \
	echo "test: ruff check";  $(BIN)/ruff check . || failed="$$failed ruff-check"; \
	echo "test: ruff format"; $(BIN)/ruff format --check . || failed="$$failed ruff-format"; \
	types=$$(mktemp); $(BIN)/mypy >"$$types" 2>&1 & mypy=$$!; \
	echo "test: pytest, and mypy beside it"; $(PYTEST) $(ARGS) || failed="$$failed pytest"; \
	wait $$mypy || failed="$$failed mypy"; \
	echo "test: mypy"; cat "$$types"; rm -f "$$types"; \
	if [ -n "$$failed" ]; then echo "test: FAILED:$$failed" >&2; exit 1; fi

lint: setup ## Lint and types alone
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

soak: setup sshd databases node ## The same tests, enlarged SOAK times (at most 30 minutes)
	@echo "soak: the test suite at scale $(SOAK)"
	@$(PYTEST) --soak $(SOAK) -o faulthandler_timeout=0 $(ARGS)

bench: setup sshd databases ## Measure; one table, also written to benchmarks/results.json
	@$(BIN)/python -m benchmarks $(ARGS)

# uv lives in a throwaway environment: it makes the lock files and nothing else needs it.
lock: ## Pin every package anew, with hashes
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	echo "lock: fetching uv"; \
	$(PYTHON) -m venv "$$dir"; "$$dir/bin/python" -m pip install -qq --disable-pip-version-check uv; \
	compile() { "$$dir/bin/uv" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header pyproject.toml "$$@"; }; \
	echo "lock: requirements.lock";     compile --output-file requirements.lock; \
	echo "lock: requirements-dev.lock"; compile --group dev --output-file requirements-dev.lock

fmt: setup ## Format, and mend what the linter can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean: ## Remove .venv, caches and what a gateway run from here has written
	@rm -rf $(NODE)/node_modules $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis benchmarks/results.json
	@find $(PACKAGES) tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

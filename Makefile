# make run    the product, from nothing, with the demo
# make test   the whole suite
# make long   the tests that take minutes, left out of `make test`
# make check  lint, types, layers, migrations, system checks
# make bench  the figures of the README
# make soak   kill −9 of everything under load, MINUTES=10; the last line is JSON
# make fuzz   every endpoint × every role from the document, BODIES=10000 broken ones; the last line is JSON
# make lock   resolve the dependencies anew
#
# Needs Python 3.11 and nothing else. `make -C <folder> …` works from anywhere.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup run test long check bench soak fuzz lock

ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
VENV := $(ROOT)/.venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
IN_ROOT := cd "$(ROOT)" &&

# Dozens of processes start here: where none may keep its bytecode, each compiles all of it anew.
unexport PYTHONDONTWRITEBYTECODE

# The suite has a home of its own: `make run` may be up beside it.
SUOSHE_TEST_HOME ?= $(ROOT)/.local/test
TEST_ARGS ?=
MINUTES ?= 10
BODIES ?= 10000
FUZZ_ARGS ?=

PRODUCTION := env -u DATABASE_URL -u SUOSHE_TEST_CLOCK -u SUOSHE_DEBUG \
	DJANGO_SETTINGS_MODULE=suoshe.settings.production \
	SUOSHE_SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
	SUOSHE_IDENTITY_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
	SUOSHE_HOSTS=suoshe.example.gov.cn \
	DATABASE_URL=postgres://suoshe@database.invalid/suoshe \
	REDIS_URL=redis://redis.invalid:6379/0

help:
	@sed -n 's/^# \(make .*\)/\1/p' "$(ROOT)/Makefile"

setup: $(STAMP)

$(STAMP): $(ROOT)/requirements.lock
	@$(IN_ROOT) for python in python3.11 python3 python; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then echo "Python 3.11 is needed, and was not found." >&2; exit 1; fi; \
	if [ ! -x "$(BIN)/python" ] || ! "$(BIN)/python" -m pip --version >/dev/null 2>&1; then \
	  "$$found" -m venv --clear "$(VENV)" || { echo "Python's venv module is needed (Debian: apt-get install python3.11-venv)." >&2; exit 1; }; \
	fi; \
	echo "installing what requirements.lock names into .venv …"; \
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements.lock; \
	touch "$(STAMP)"

run: setup
	@# By way of the launcher: even where make itself is killed by -9, nothing is left running.
	@$(IN_ROOT) exec "$(BIN)/python" -P suoshe/stack/launch.py "$(BIN)/python" manage.py up

test: setup
	@$(IN_ROOT) SUOSHE_HOME="$(SUOSHE_TEST_HOME)" exec "$(BIN)/python" -m pytest -n 2 --dist loadgroup $(TEST_ARGS)

long: setup
	@$(IN_ROOT) SUOSHE_LONG=1 SUOSHE_HOME="$(SUOSHE_TEST_HOME)" exec "$(BIN)/python" -m pytest -m long $(TEST_ARGS)

check: setup
	$(IN_ROOT) "$(BIN)/ruff" check .
	$(IN_ROOT) "$(BIN)/ruff" format --check .
	$(IN_ROOT) "$(BIN)/mypy" suoshe kernel grids credit leads patrols stations reports
	$(IN_ROOT) "$(BIN)/lint-imports"
	$(IN_ROOT) "$(BIN)/python" manage.py makemigrations --check --dry-run
	$(IN_ROOT) "$(BIN)/python" manage.py check --fail-level WARNING
	$(IN_ROOT) $(PRODUCTION) "$(BIN)/python" manage.py check --deploy --fail-level WARNING

bench: setup
	@$(IN_ROOT) "$(BIN)/python" -m bench.intake
	@$(IN_ROOT) "$(BIN)/python" -m bench.clocks
	@$(IN_ROOT) "$(BIN)/python" -m bench.register
	@$(IN_ROOT) "$(BIN)/python" -m bench.credit
	@$(IN_ROOT) "$(BIN)/python" -m bench.patrols

soak: setup
	@$(IN_ROOT) exec "$(BIN)/python" -m tests.faults.soak --minutes "$(MINUTES)"

fuzz: setup
	@$(IN_ROOT) exec "$(BIN)/python" -m tests.fuzz.everything --bodies "$(BODIES)" $(FUZZ_ARGS)

lock: setup
	@$(IN_ROOT) "$(BIN)/uv" pip compile --quiet --upgrade pyproject.toml --all-extras --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" -o requirements.lock
	@$(IN_ROOT) "$(BIN)/uv" pip compile --quiet pyproject.toml --python-version 3.11 --constraint requirements.lock \
	  --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" -o deploy/requirements.lock

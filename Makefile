# make setup     everything that is needed, in .venv and from the system's packages
# make demo      run a batch on a stack of its own
# make test      all tests
# make test-fuzz every operation of the API at length, against its description
# make test-model    EXAMPLES runs of two schedulers through every order of steps and deaths
# make test-stores   what the services ask of a database and of object storage, on PRESSLINE_MONGODB_URL and PRESSLINE_S3_URL
# make test-failpoints  kill a process KILLS times at every failpoint, and print what was recovered
# make chaos     kill and disturb everything for DURATION seconds while it works, and count what was lost
# make check     formatting, lint, types, import rules, protos, manifests
# make lock      resolve the dependencies again
# make clean     remove what the others made
.PHONY: setup system demo test test-fuzz test-model test-stores test-failpoints chaos check lock clean
SHELL := /bin/bash

BIN := .venv/bin
STAMP := .venv/.ready
PYTHON := $(shell for python in python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$python && break; done)
INSTALLED_FROM := requirements/dev.lock pyproject.toml hatch_build.py $(wildcard services/*/web/package-lock.json) \
	$(shell find protos -name '*.proto')
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url
SERVICES := gateway scheduler renderer notifier
# Of make test-model; a tenth as many on a database.
EXAMPLES := 2000
# Of make test-failpoints, at each.
KILLS := 5
# Of make chaos; SEED=… repeats a run.
DURATION := 60

setup: system $(STAMP)

system:
	@$(if $(PYTHON),,$(error Pressline needs Python 3.11 or newer, as python3.11 or python3 on PATH))
	@deploy/local/system.sh $(PYTHON)

$(STAMP): $(INSTALLED_FROM) | system
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --require-hashes -r requirements/dev.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	$(BIN)/python examples/demo.py

# Two files at a time: tests wait more than they work.
test: setup
	$(BIN)/pytest -n 2 --dist loadfile

test-fuzz: setup
	PRESSLINE_FUZZ_EXAMPLES=300 $(BIN)/pytest tests/fuzz

test-model: setup
	PRESSLINE_MODEL_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -q tests/property/test_scheduler_machine.py

test-stores: setup
	$(BIN)/pytest tests/contract/test_store_*.py

test-failpoints: setup
	PRESSLINE_FAILPOINT_KILLS=$(KILLS) $(BIN)/pytest -q -s tests/e2e/test_failpoints.py

chaos: setup
	$(BIN)/python -m tests.chaos --duration $(DURATION) $(if $(SEED),--seed $(SEED))

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	deploy/check.sh

lock: setup
	$(COMPILE) --group dev --extra local pyproject.toml -o requirements/dev.lock
	$(foreach service,$(SERVICES),$(COMPILE) --extra $(service) pyproject.toml -o requirements/$(service).lock &&) true
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(COMPILE) - -o requirements/build.lock

clean:
	rm -rf .venv gen dist demo-output services/*/web/node_modules services/*/web/vendor \
		tests/visual/failed .mypy_cache .ruff_cache .import_linter_cache .hypothesis

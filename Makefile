# make demo   a tour on the embedded emulator: validate, plan, apply, change, destroy
# make test   lint, types and the test suite
# make proofs the longer proofs, of which make test has a part, and many more examples of each property
# make test-browser   the pages in a headless Chromium, which it installs where it may and there is none
# make test-postgres  the shared journal on a PostgreSQL server of its own, which it installs where it may and there is none
# make crash  every crash, fault and race of the journal's proofs, enumerated; make test has a part of them
# make pairs  the property test over random pairs of specs, PAIRS of them for each API version from the seed SEED
# make bench  what the commands take on large projects, beside the limit: docs/performance.md; CASES="plan apply" chooses
# make format rewrite the sources as the linter wants them
# make schema rewrite schemas/ from the descriptors
# make docs   rewrite what of the documents is generated, and the output that they show
# Everything is set up in .venv; nothing outside this folder is touched.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PAIRS ?= 200
SEED ?= $(shell date +%s)
CASES ?=
RUNS ?= 3
JSON ?= build/bench.json
# Half as many again as there are cores: a third of the time of a test goes by waiting for pauses and processes.
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((cores + (cores + 1) / 2)))

.PHONY: demo test test-browser test-postgres lint types unit proofs crash pairs bench format schema docs clean
.DEFAULT_GOAL := test

# Some environments (PYTHONDONTWRITEBYTECODE) would compile everything at every start of a process.
export PYTHONDONTWRITEBYTECODE =

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python >= 3.11 with its venv module is needed (Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@# The pip of an older Python needs twice the time for the same packages.
	$(PIP) install --no-compile --upgrade pip

# Compiled on all cores, and without the vendors' SDKs: of their thousands of files a test needs few.
COMPILED = $(BIN)/python -m compileall -q -j 0 -x '/(huaweicloudsdk|alibabacloud|fc2|mypy)' .venv/lib fcdeploy

.venv/runtime: pyproject.toml | .venv/bin/python
	$(PIP) install --no-compile --editable .
	@$(COMPILED)
	@touch $@

.venv/test: pyproject.toml | .venv/bin/python
	$(PIP) install --no-compile --editable '.[test]'
	@$(COMPILED)
	@touch .venv/runtime $@

demo: .venv/runtime
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

# Side by side: the types take one core for a while, and the tests leave some of the other.
test: .venv/test
	@$(MAKE) --no-print-directory --jobs=2 lint types unit

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/test
	$(BIN)/mypy

unit: .venv/test
	@# The tests are compiled once, and not by each process at the same time; what is wrong with one is told below.
	@$(BIN)/pytest --collect-only -qq >/dev/null || true
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal

proofs: .venv/test
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal --hypothesis-profile whole -m "(proof or hypothesis) and not crash"

crash: .venv/test
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal -m crash tests/crash

test-browser: .venv/test
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -qq --yes --no-install-recommends chromium fonts-dejavu-core; }
	$(BIN)/pytest -m browser tests/browser

test-postgres: .venv/test
	@command -v initdb >/dev/null || test -n "$(wildcard /usr/lib/postgresql/*/bin/initdb)" || \
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends postgresql; }
	$(BIN)/pytest --numprocesses 2 --dist worksteal -m postgres tests/postgres tests/gitops

pairs: .venv/test
	FCDEPLOY_PAIRS=$(PAIRS) $(BIN)/pytest --numprocesses 2 tests/app/test_app_pairs.py --hypothesis-seed=$(SEED)

bench: .venv/runtime
	$(BIN)/python tests/benchmarks/bench_main.py $(CASES) --runs $(RUNS) --json $(JSON) $(BENCH)

format: .venv/test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: .venv/runtime
	$(BIN)/python -m fcdeploy.spec.schema schemas

docs: .venv/runtime
	$(BIN)/python tests/docs/generate.py

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

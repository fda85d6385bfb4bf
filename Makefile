# Every target makes its own environment when there is none; Python 3.11 to 3.13 and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TYPING := $(VENV)/typing
FOLDERS := agents benchmarks envs evolution experiments paper strategies tests benbot
WORKERS ?= 2
REVIEW := build/review

.PHONY: install demo test nightly kills check format lint types bench mutate schema audit sbom clean

install: $(INSTALLED)
	@echo 'The command is $(BIN)/benbot'

demo: $(INSTALLED)
	$(BIN)/benbot train quickstart
	@echo 'Open the MLflow UI with: $(BIN)/benbot ui'

test: $(INSTALLED)
	$(BIN)/python -m pytest -n $(WORKERS)

nightly: $(INSTALLED)
	BENBOT_THOROUGH=4 $(BIN)/python -m pytest -n $(WORKERS) -m "nightly or not nightly"

# N of each kind: at the embedded broker, at Alpaca, there killed again (half), there with faults (half),
# and N / 25 in each ordeal of tests/paper/ordeals.py.
kills: N = 1000
kills: $(INSTALLED)
	BENBOT_KILLS=$(N) $(BIN)/python -m pytest -n $(WORKERS) -m "nightly or not nightly" \
		tests/paper/test_kills.py tests/paper/test_kills_alpaca.py tests/paper/test_kills_postgres.py \
		tests/paper/test_kills_elsewhere.py tests/paper/notify/test_killed.py

check: lint types schema test

lint: $(INSTALLED)
	$(BIN)/ruff format --check $(FOLDERS)
	$(BIN)/ruff check $(FOLDERS)

format: $(INSTALLED)
	$(BIN)/ruff format $(FOLDERS)
	$(BIN)/ruff check --fix $(FOLDERS)

# The type checker reads folders, not the import hook of an editable install, so the folders are
# linked below the name under which they are installed.
types: $(INSTALLED)
	mkdir -p $(TYPING)/benbot
	for part in agents envs evolution experiments paper strategies benbot/__init__.py benbot/gym.py benbot/py.typed; do \
		ln -sfn ../../../$$part $(TYPING)/benbot/$$(basename $$part); done
	MYPYPATH=$(TYPING) $(BIN)/mypy -p benbot

# The published schema must be the one the code has.
schema: $(INSTALLED)
	$(BIN)/benbot config schema | diff - experiments/configs/schema.json

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

# MUTATE may name files and options: MUTATE="gates --again", MUTATE="--sample 100 --seed 1".
mutate: $(INSTALLED)
	NUMBA_DISABLE_JIT=1 OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.mutation --workers $(WORKERS) $(MUTATE)

# Known holes of the versions that are tested: asks the network, so no test does.
audit: $(REVIEW)/.installed
	$(REVIEW)/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

# What is installed, as CycloneDX: build/sbom.json.
sbom: $(INSTALLED) $(REVIEW)/.installed
	$(REVIEW)/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-reproducible --output-file build/sbom.json

$(REVIEW)/.installed:
	$(PYTHON) -m venv $(REVIEW)
	$(REVIEW)/bin/python -m pip install --progress-bar off 'pip-audit>=2.9,<3' 'cyclonedx-bom>=7,<8'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"need Python 3.11 to 3.13, was {v[0]}.{v[1]}; set PYTHON=python3.12, say")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --progress-bar off -c constraints.txt -e '.[dev]'
	@touch $@

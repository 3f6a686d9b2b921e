# Everything a person types. `make setup` is called by the others.
PYTHON ?= python3
RUN := .venv/bin/python
# Processes share the CPUs in tests: threads of BLAS would spin while they wait for theirs.
TEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(RUN) -m pytest
# Compiled modules are kept: tests start hundreds of processes that import the same libraries.
unexport PYTHONDONTWRITEBYTECODE
MODEL ?= diabetes
TESTS ?= tests

.DEFAULT_GOAL := help
.PHONY: help setup demo screenshots local test check bench lock

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## virtual environment, Azurite and the environments of app, training and scoring
	@$(PYTHON) local/bootstrap.py
	@$(RUN) -m local prepare --environment ml/environments/training.yml --environment ml/environments/scoring.yml

demo: setup ## the whole loop on real data, with live progress; MODEL=diabetes|iris|marketing DATA=file.csv
	@$(RUN) -m demo --model $(MODEL) $(if $(DATA),--data "$(DATA)")

screenshots: setup ## pictures of the README, from what the last demo left; needs Chromium
	@$(RUN) -m demo.screenshots

local: setup ## start the stack and stay
	@$(RUN) -m ml check || echo "The stack starts all the same: other models are not touched by it."
	@$(RUN) -m local up

test: setup ## every test
	$(TEST) -n 3 --dist loadfile --no-loadscope-reorder $(TESTS)

check: ## format, lint, types, layers, unit tests
	@$(PYTHON) local/bootstrap.py
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	.venv/bin/lint-imports
	$(TEST) -q -n logical --dist loadfile tests/unit

bench: setup ## every benchmark, each prints a table and a JSON line
	@set -e; for script in benchmarks/*.py; do echo "== $$script"; $(RUN) $$script; done

# One version of a package on every Python and in every file: what is tested is what is deployed.
PIN := .venv/bin/uv pip compile -q --python-version 3.11 --no-header --no-annotate
LOCKED := .local/cache/lock.txt

lock: ## pin the newest versions that pyproject.toml allows
	@$(PYTHON) local/bootstrap.py
	$(PIN) --upgrade --universal --fork-strategy fewest --group dev --group training-environment \
		--group scoring-environment -o $(LOCKED)
	$(PIN) --universal -c $(LOCKED) --group function-app -o requirements.txt
	$(PIN) --universal -c $(LOCKED) --group dev -o requirements-dev.txt
	@set -e; for name in training scoring; do \
		file=ml/environments/$$name.yml; \
		$(PIN) --python-platform linux -c $(LOCKED) --group $$name-environment -o $(LOCKED).$$name; \
		{ sed '/- pip:$$/q' $$file; sed 's/^/      - /' $(LOCKED).$$name; } > $(LOCKED).yml; \
		mv $(LOCKED).yml $$file; \
	done

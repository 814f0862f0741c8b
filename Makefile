# Everything sets itself up: Python 3.11 or later and make are enough. `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_DIR := $(CURDIR)/.monitoring_pipeline

export MONITORING_PIPELINE_HOME ?= $(HOME_DIR)
export DAGSTER_HOME ?= $(MONITORING_PIPELINE_HOME)/dagster
# uv brings its own certificates, which breaks it behind a company's proxy: take the system's.
export UV_SYSTEM_CERTS := 1
# Without bytecode, every process compiles thousands of modules again: 3 to 15 seconds, and 20 for each worker of the tests.
unexport PYTHONDONTWRITEBYTECODE

# Samples are drawn by hashed ids, so that numbers depend on the key; a new home would have its own.
bench%: export MONITORING_PIPELINE_ID_KEY := monitoring-pipeline

MODEL ?= flight_delay
FROM ?= 2013-04-01
TO ?= 2013-04-30
PORT ?= 3000

.DEFAULT_GOAL := help
.PHONY: help install demo demo-2013 dev dashboard backfill rehearse test test-fast test-spark test-latest test-hostile check format lock bench bench-night bench-report bench-year bench-classifiers bench-calibration bench-false-alarms bench-segments bench-intervals bench-estimates bench-label-delays bench-gate-days bench-faults bench-categories bench-named-columns bench-weak-segments bench-texts bench-usual-numbers bench-forecasts bench-night-extras bench-detection bench-opening bench-small-days bench-stored-year clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/demo.installed ## Set up .venv, and run nothing

demo: $(VENV)/demo.installed ## Monitor three real models over two months that end yesterday, and print what was found
	@$(BIN)/monitoring-pipeline demo

demo-2013: $(VENV)/demo.installed ## The same over March and April 2013, as in the documents
	@$(BIN)/monitoring-pipeline demo --last-day 2013-04-30

dev: $(VENV)/demo.installed $(DAGSTER_HOME)/dagster.yaml ## Open the Dagster UI on http://127.0.0.1:3000 (PORT=...)
	$(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p $(PORT)

dashboard: $(VENV)/demo.installed ## Open the reports of all models on http://127.0.0.1:3001
	@$(BIN)/monitoring-pipeline serve

backfill: $(VENV)/demo.installed ## Monitor past days in one run: MODEL=... FROM=... TO=...
	$(BIN)/monitoring-pipeline backfill $(MODEL) --from $(FROM) --to $(TO)

rehearse: $(VENV)/demo.installed ## Live through past nights, alerts and retraining included: MODEL=... FROM=... TO=...
	$(BIN)/monitoring-pipeline rehearse $(MODEL) --from $(FROM) --to $(TO)

# Stored homes were measured with this kernel. Another one sums in another order, and differs in the last digits.
test test-fast: export OPENBLAS_CORETYPE ?= Haswell

test: $(VENV)/dev.installed ## Lint, types, layers, and every test
	@$(MAKE) --no-print-directory check
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

test-fast: $(VENV)/dev.installed ## The tests without the end-to-end ones
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not slow"

test-spark: $(VENV)/dev.installed ## The contract of warehouses on Spark in local mode; needs Java
	$(BIN)/uv pip install -q -e '.[spark]'
	$(BIN)/pytest monitoring_pipeline_tests/warehouse/test_counting_contract.py -k spark

test-latest: export OPENBLAS_CORETYPE ?= Haswell
test-latest: $(VENV)/dev.installed ## The tests with the newest of everything that the bounds allow, in .venv-latest
	$(BIN)/uv venv -q --clear .venv-latest
	$(BIN)/uv pip install -q --python .venv-latest/bin/python --upgrade -e '.[dev]'
	.venv-latest/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test-hostile: $(VENV)/dev.installed ## 1,000 hostile specs and 1,000 hostile tables (half an hour)
	MONITORING_PIPELINE_FUZZ_EXAMPLES=1000 $(BIN)/pytest monitoring_pipeline_tests/spec/test_hostile_files.py monitoring_pipeline_tests/steps/test_any_tables.py

check: $(VENV)/dev.installed ## Lint, format, types, import contracts, shipped specs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/monitoring-pipeline spec check --offline

format: $(VENV)/dev.installed ## Format the code, and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(VENV)/dev.installed ## Resolve the dependencies again: hashes and versions only
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --upgrade --extra demo --generate-hashes $(PLAIN) \
		pyproject.toml -o requirements/demo.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --extra dev --generate-hashes $(PLAIN) \
		-c requirements/demo.lock pyproject.toml -o requirements/dev.lock
PLAIN := --no-header --no-annotate --no-emit-index-url --no-emit-find-links

bench: $(VENV)/dev.installed ## Speed as ratios against named peers, measured in the same run
	$(BIN)/python benchmarks/profile_and_drift.py

bench-night: $(VENV)/dev.installed ## A further day of the nightly job as ratios against named peers (15 minutes)
	$(BIN)/python benchmarks/night.py

bench-report: $(VENV)/dev.installed ## Size and CPU time of a report beside a named peer's (5 minutes)
	$(BIN)/python benchmarks/report_sizes.py

bench-year: $(VENV)/dev.installed ## The cost of each of 365 nights in a row, and its slope (15 minutes)
	$(BIN)/python benchmarks/year.py

bench-classifiers: $(VENV)/dev.installed ## Accuracy of the classifiers behind the comparison of all features (10 minutes)
	$(BIN)/python benchmarks/domain_classifiers.py --pairs 20

bench-calibration: $(VENV)/dev.installed ## False alarms and power beside named peers (10 minutes)
	$(BIN)/python benchmarks/calibration.py

bench-false-alarms: $(VENV)/dev.installed ## False alarms where days are not independent, beside their budget (25 minutes)
	$(BIN)/python benchmarks/false_alarms.py

bench-segments: $(VENV)/dev.installed ## False alarms of segments, groups and compared periods where days are not independent (3 minutes)
	$(BIN)/python -m benchmarks.segment_alarms

bench-intervals: $(VENV)/dev.installed ## Coverage of the intervals of metrics: few positives, rare classes, heavy tails (6 minutes)
	$(BIN)/python benchmarks/intervals.py

bench-estimates: $(VENV)/dev.installed ## Coverage of estimates without labels while inputs move (2 minutes)
	$(BIN)/python benchmarks/estimates.py

bench-opening: $(VENV)/dev.installed ## Incidents without a change, and how soon faults open one (10 minutes)
	$(BIN)/python benchmarks/opening.py

bench-label-delays: $(VENV)/dev.installed ## Error of early metrics when labels arrive otherwise than in the reference (1 minute)
	$(BIN)/python benchmarks/label_delays.py

bench-gate-days: $(VENV)/dev.installed ## Wrong decisions about versions of equal skill on correlated and skewed days (3 minutes)
	$(BIN)/python benchmarks/gate_days.py

bench-faults: $(VENV)/dev.installed ## Count the planted faults that drift and quality find, beside a plain rule (2 minutes)
	$(BIN)/python benchmarks/faults_found.py

bench-categories: $(VENV)/dev.installed ## False alarms of columns with very many categories (2 minutes)
	$(BIN)/python benchmarks/many_categories.py

bench-named-columns: $(VENV)/dev.installed ## Which columns the comparison of all features names (1 minute)
	$(BIN)/python benchmarks/named_columns.py

bench-weak-segments: $(VENV)/dev.installed ## Planted weak segments that are found, and shuffled losses that give any (2 minutes)
	$(BIN)/python -m benchmarks.weak_segments

bench-texts: $(VENV)/dev.installed ## False alarms of texts and vectors, and the changes of them that are found (8 minutes)
	$(BIN)/uv pip install --quiet --no-deps --target benchmarks/.data/django "django==5.2.*"
	$(BIN)/python benchmarks/texts.py benchmarks/.data/django

bench-usual-numbers: $(VENV)/dev.installed ## False alarms of numbers of a serving system, and rises that are found (1 minute)
	$(BIN)/python benchmarks/usual_numbers.py

bench-forecasts: $(VENV)/dev.installed ## How often the forecast of a month's cost contains what the month cost (1 minute)
	$(BIN)/python benchmarks/forecasts.py

bench-night-extras: $(VENV)/dev.installed ## The cost of telemetry, money, measures, texts and vectors in a night (20 minutes)
	$(BIN)/python benchmarks/night_extras.py

bench-detection: $(VENV)/dev.installed ## What is found, missed, and flagged for nothing, beside named peers (hours; QUICK=1: half an hour)
	$(BIN)/python -m benchmarks.detection $(if $(QUICK),--quick)

bench-small-days: $(VENV)/dev.installed ## Lasting losses on small days, by days and by windows (20 minutes)
	$(BIN)/python benchmarks/small_days.py

bench-stored-year: $(VENV)/dev.installed ## Every shipped query on a year of 50 models in PostgreSQL (20 million measurements)
	$(BIN)/python -m benchmarks.stored_year

clean: ## Remove what the demo, the tests and the tools have left
	rm -rf $(HOME_DIR) .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist build
	find monitoring_pipeline monitoring_pipeline_tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/uv:
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/bootstrap.lock

$(VENV)/demo.installed: requirements/demo.lock pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --quiet --require-hashes -r requirements/demo.lock
	$(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/dev.installed: requirements/dev.lock pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --quiet --require-hashes -r requirements/dev.lock
	$(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@ $(VENV)/demo.installed

$(DAGSTER_HOME)/dagster.yaml: dagster.yaml
	mkdir -p $(DAGSTER_HOME)
	cp dagster.yaml $@

# Everything a fresh machine needs: Python 3.11 (or newer), make, and a package index.
PYTHON ?= python3
TOTAL ?= 5000000
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: help install plan test slow properties test-all lint lock bench evidence torture pictures docs reference pages clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/installed  ## make .venv and install; then: . .venv/bin/activate

plan: $(VENV)/installed  ## plan the demo's quarter: make plan TOTAL=5000000
	$(BIN)/budget plan --total $(TOTAL)

test: $(VENV)/installed-dev  ## lint, types, import arrows and the fast tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2

slow: $(VENV)/installed-dev  ## the tests that sample
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile

properties: $(VENV)/installed-dev  ## the planner's properties on more than 10,000 generated cases (long)
	$(BIN)/python -m pytest tests/property -m slow -n 2 --hypothesis-profile thorough

test-all: $(VENV)/installed-dev  ## the tests that need LibreOffice and a browser (Debian: libreoffice-calc chromium fonts-noto-cjk)
	$(BIN)/python -m pytest -m "office or browser"

bench: $(VENV)/installed-dev  ## seconds and gaps of fit, plan, what-if and start-up
	for script in fit plan whatif startup; do $(BIN)/python benchmarks/$$script.py || exit 1; done

evidence: $(VENV)/installed-dev  ## go on with the recovery and calibration studies (hours when begun anew) and write docs/evidence
	for arm in national lift units own; do $(BIN)/python -m benchmarks.evidence.recovery run --arm $$arm || exit 1; done
	$(BIN)/python -m benchmarks.evidence.sbc run
	$(BIN)/python -m benchmarks.evidence.recovery report
	$(BIN)/python -m benchmarks.evidence.sbc report

docs: $(VENV)/installed-dev  ## build the documentation into site/
	$(BIN)/python -m mkdocs build --strict --quiet

reference: $(VENV)/installed-dev  ## renew the pages that are written from the code and the evidence
	$(BIN)/python docs/renew.py

pages: $(VENV)/installed-dev  ## type every page of the documentation and put in what comes (half an hour)
	$(BIN)/python tests/pages.py

torture: $(VENV)/installed-dev  ## damage inputs, kill runs, fill disks (an hour), and write docs/evidence/torture.md
	$(BIN)/python -m benchmarks.torture.fuzz --cases 1500 --seeds 21 22 23 24 25 26 27 --out docs/evidence/torture-fuzz.json
	$(BIN)/python -m benchmarks.torture.faults --out docs/evidence/torture-faults.json
	$(BIN)/python -m benchmarks.torture.report

pictures: $(VENV)/installed-dev  ## pictures for README and docs of the real product (Debian: poppler-utils besides)
	$(BIN)/python docs/pictures.py

lock: $(VENV)/installed-dev  ## renew the lock files (needs uv: pip install uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --extra dev pyproject.toml -o requirements-dev.lock

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/created:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/created requirements.lock pyproject.toml
	@echo "Installing (a minute or two, once) ..."
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

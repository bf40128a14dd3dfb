# Two commands for a new user, on a machine with Python 3.11 or newer and make:
#   make demo    a whole company, locally, in a minute
#   make test    every check
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint types contracts tests coverage lock clean

demo: $(READY)
	$(RUN)/crosskey demo

test: lint types contracts tests

lint: $(READY)
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

types: $(READY)
	$(RUN)/basedpyright --pythonpath $(RUN)/python

contracts: $(READY)
	$(RUN)/lint-imports

tests: $(READY)
	$(RUN)/python -m pytest -q -n auto --dist loadfile

# Which lines no test runs. Beside the gate: it takes half as long again, and says nothing of whether a check can fail.
coverage: $(READY)
	$(RUN)/python -m pytest -q -n auto --dist loadfile --ignore tests/proofs --cov --cov-report=term:skip-covered

# The environment is exactly what requirements.lock says, hash by hash; crosskey itself is installed editable from here.
# --no-deps: the lock names everything. Left to resolve, pip looks past the pin of a package that another one wants with
# an extra (coverage[toml]) as soon as a newer version is out, and refuses it for want of a hash.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "crosskey needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	@echo "Setting crosskey up in $(VENV): about a minute, once."
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(RUN)/python -m pip check --disable-pip-version-check
	touch $(READY)

# Newest versions that pyproject.toml allows, with hashes and without addresses. Needs uv.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --group dev --extra keyring --extra otlp --extra record --extra sandbox --extra web \
		pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage

# Two commands matter: `make demo` shows Karnet at work, `make test` proves it.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv

.PHONY: demo test check bench oracle install lock clean

demo: install           ## a ski day on three facilities, then the settlement and the proof
	$(BIN)/karnet demo

test: check             ## everything CI runs
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

check: install          ## style, types, layers: the quick half of `make test`
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: install          ## figures beside a yardstick of the same run -> bench/results/latest.json
	$(BIN)/karnet bench

oracle: install         ## 100,000 random tariffs and stays: the rating engine against a slow oracle (about ten minutes)
	$(BIN)/python -m tests.tariffs.compare --cases 100000

install: $(VENV)/.installed

$(VENV)/.installed: requirements/dev.txt requirements/bootstrap.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Karnet needs Python 3.11 or newer; this is %s. Try: make PYTHON=python3.12" % sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

lock:                   ## refresh the pinned requirements
	for name in bootstrap runtime dev; do \
	  $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-emit-index-url --no-emit-find-links requirements/$$name.in -o requirements/$$name.txt; done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist

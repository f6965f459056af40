# Needs Python 3.11 or newer with venv, and make. Everything else goes into .venv.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Further arguments: make search ARGS="--budget 30c", make test ARGS="-k swish"
ARGS ?=

.PHONY: help search test lint format wheel clean

help:
	@echo "make search   install, then search for a better activation on scikit-learn's digits (2 minutes)"
	@echo "make test     install, then run the whole test suite"
	@echo "make lint     install, then ruff and mypy"
	@echo "make format   install, then let ruff format and repair what it can"
	@echo "make wheel    install, then build the wheel into dist/"
	@echo "make clean    remove builds and the tools' caches (keeps $(VENV) and what searches left)"
	@echo
	@echo 'ARGS="..." is handed on to search and test; PYTHON=python3.12 chooses the interpreter.'

search: $(VENV)/.installed
	$(BIN)/actsearch search swish --task digits --budget 2m $(ARGS)

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.installed
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

wheel: $(VENV)/.installed
	$(BIN)/python -m build --wheel

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

# One environment for searching and testing, so that the second command installs nothing. The stamp is written last:
# an interrupted installation is taken up again. pip compiles bytecode on one core and file by file, so it is told not
# to, and compileall does it afterwards on all cores. Other packages' test
# suites are left out; Python compiles what is missing when it is imported.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "actsearch needs Python 3.11 or newer as '$(PYTHON)'; name another one with: make PYTHON=python3.12" >&2; exit 1; }
	@rm -f $@
	@echo "[1/3] environment: $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu it needs the package python3-venv" >&2; exit 1; }
	@echo "[2/3] packages: about 140, 3 GB unpacked, a minute or two (log: $(VENV)/install.log)"
	@$(BIN)/python -m pip install --no-compile --disable-pip-version-check \
	    -c constraints.txt -e '.[dev]' 2>&1 | tee $(VENV)/install.log | awk ' \
	    /^ *(Collecting|Processing) / && ++n % 20 == 0 { print "      " n " packages found"; fflush() } \
	    /^Installing collected packages/ { print "      unpacking them"; fflush() }' || { \
	  grep -v '^WARNING' $(VENV)/install.log | tail -n 20 >&2; echo "pip failed; see $(VENV)/install.log" >&2; exit 1; }
	@# Of timm the tests read a few layers, as a reference. What it depends on would bring a second build of torch's world.
	@$(BIN)/python -m pip install --no-compile --disable-pip-version-check --no-deps -c constraints.txt timm \
	    >> $(VENV)/install.log 2>&1 || { tail -n 20 $(VENV)/install.log >&2; echo "pip failed; see $(VENV)/install.log" >&2; exit 1; }
	@echo "[3/3] bytecode, on all cores"
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests/' $(VENV)/lib || true
	@touch $@
	@echo "installed"

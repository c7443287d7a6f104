# hansa: the commands of everybody's day. `make up` is the main job, `make test` is everything.
#
# Both install what they need: a virtual environment with the locked packages, and, for tests as root on Debian, the
# programs that tests talk to. Nothing else is needed on a fresh machine but Python 3.11 and this checkout.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?= city
# Clients of the FIWARE world that tests talk with, each with a lock of its own: ngsildclient (clients) wants an httpx that
# is older than hansa's, filip a paho-mqtt, and each other's aiofiles they refuse.
CLIENTS := clients filip
# It looks for its core on the path, and would keep its settings and its log in whoever's home this is.
SEMGREP := PATH="$(abspath $(VENV)-lint)/bin:$$PATH" SEMGREP_SETTINGS_FILE=$(VENV)-lint/settings SEMGREP_LOG_FILE=$(VENV)-lint/log semgrep

.PHONY: up test lint format bench advisories release lock clean
.DEFAULT_GOAL := up

up: $(VENV)/.ready ## a city on this machine, with its demo valley
	$(BIN)/hansa up --demo --data $(DATA)

test: $(VENV)/.ready-dev $(CLIENTS:%=$(VENV)-%/.ready) ## lint, types, layers, and every test
	./.ci/parts
	$(MAKE) lint
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(PYTEST)

lint: $(VENV)/.ready-dev $(VENV)-lint/.ready ## what is decided without running: style, types, layers, our rules, secrets, licences
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(VENV)-lint/bin/bandit --quiet --configfile pyproject.toml --recursive src lint
	$(SEMGREP) scan --quiet --strict --error --config lint/semgrep --metrics off --disable-version-check src
	$(BIN)/python -m lint.leaked
	$(BIN)/python -m lint.licences

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready-dev ## the speed rows of docs/performance.md, each as a ratio to a floor of the same run
	$(BIN)/hansa bench

advisories: $(VENV)/.ready ## known weaknesses of what ships; needs the internet, and fails when it could not ask
	$(BIN)/python -m lint.advisories

release: $(VENV)/.ready-dev $(VENV)-lint/.ready ## wheel, sdist, SBOM and checksums of the last commit, in dist/
	$(BIN)/python -m lint.release dist

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: requirements/base.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.ready-dev: requirements/dev.lock $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	touch $@

$(VENV)-%/.ready: requirements/%.lock
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

lock: $(VENV)/.ready-dev ## write the locks anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --universal \
		--python-version 3.11 --group build pyproject.toml -o requirements/base.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --universal \
		--python-version 3.11 --group build --group dev pyproject.toml -c requirements/base.lock -o requirements/dev.lock
	for one in $(CLIENTS) lint; do $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --universal --no-strip-extras --python-version 3.11 requirements/$$one.in \
		-o requirements/$$one.lock || exit 1; done

clean:
	rm -rf $(VENV) $(CLIENTS:%=$(VENV)-%) $(VENV)-lint dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# make run: the page. make test: ruff, mypy and every test, the browser's too.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: run test check setup setup-dev system-packages clean

run: setup
	$(BIN)/python app.py $(ARGS)

test: setup-dev system-packages check
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 20 $(ARGS)

check: setup-dev
	$(BIN)/ruff check app.py lawui tests
	$(BIN)/ruff format --check app.py lawui tests
	$(BIN)/mypy

setup: $(VENV)/.requirements

setup-dev: $(VENV)/.requirements-dev

$(VENV)/.requirements: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.requirements-dev: requirements-dev.txt $(VENV)/.requirements
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

system-packages:
	@command -v chromium >/dev/null || { echo "The browser tests need Debian's package chromium: sudo apt-get install chromium" >&2; exit 1; }
	@fc-list :lang=ja 2>/dev/null | grep -q . || { echo "The browser tests need a Japanese font: sudo apt-get install fonts-noto-cjk" >&2; exit 1; }

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

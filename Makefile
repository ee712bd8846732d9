# Both commands set everything up themselves, in a fresh virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PLUGINS := $(VENV)/plugins
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint docs plugins clean

## make demo: install avplug and show a robustness report of a trained model
# The methods' published rate, 1e-4, is for a model 500 times the size of this one.
demo: $(VENV)/demo.stamp
	$(BIN)/avplug run --tta source,tent,av2c -o tent.lr=1e-3 -o av2c.lr=1e-3 \
		--severity 1,3,5 --limit 160 --out runs/demo

## make test: install the developers' tools and run every check
test: lint docs plugins
	$(BIN)/python -m pytest -n auto --dist loadfile

# These examples need what avplug does not: they get an environment of their own, which
# sees the packages of the first.
## make plugins: install and check the examples that need more packages
plugins: $(VENV)/plugins.stamp
	for name in avplug-videollama avplug-mlflow; do \
		$(PLUGINS)/bin/avplug check $$name && \
		$(PLUGINS)/bin/python -m pytest -q plugins_example/$$name/tests || exit 1; \
	done

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/test.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir $(VENV)/site

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e ".[video]"
	touch $@

$(VENV)/test.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(INSTALL) -e ".[all]" --group dev
	touch $@

$(VENV)/plugins.stamp: plugins_example/avplug-videollama/pyproject.toml \
		plugins_example/avplug-mlflow/pyproject.toml | $(VENV)/test.stamp
	$(BIN)/python -m venv $(PLUGINS)
	$(BIN)/python -c "import sysconfig as s; print(s.get_path('purelib'))" \
		> $$($(PLUGINS)/bin/python -c "import sysconfig as s; print(s.get_path('purelib'))")/base.pth
	$(PLUGINS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		-e . -e "plugins_example/avplug-videollama[test]" -e "plugins_example/avplug-mlflow[test]"
	touch $@

clean:
	rm -rf $(VENV) site build dist

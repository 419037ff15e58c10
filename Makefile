# The commands of development. `make check` is what continuous integration runs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CPP := $(shell git ls-files '*.cpp' '*.h' '*.hpp' '*.c' '*.cu')

.PHONY: check fix asan tsan test cpp bench exhaustive facts clean

$(BIN)/activate: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -e ".[dev]" -r .ci/lint-requirements.txt --config-settings=build-dir=build/editable
	touch $@

check: $(BIN)/activate
	$(BIN)/ruff format --check python tests examples
	$(BIN)/ruff check python tests examples
	$(BIN)/clang-format --dry-run -Werror $(CPP)
	$(BIN)/mypy
	cmake --workflow --preset dev
	$(BIN)/python -m pytest
	$(BIN)/python tests/facts.py

fix: $(BIN)/activate
	$(BIN)/ruff format python tests examples
	$(BIN)/ruff check --fix python tests examples
	$(BIN)/clang-format -i $(CPP)

test: $(BIN)/activate
	$(BIN)/python -m pytest

cpp:
	cmake --workflow --preset release

# C++ tests and the reader's fuzz corpus under address and undefined-behaviour sanitizers.
asan:
	cmake --workflow --preset asan
	$(PYTHON) tests/fuzz_reader.py --runner build/asan/ingot-run --mutants 20000

tsan:
	cmake --workflow --preset tsan

bench: $(BIN)/activate
	$(BIN)/python -m pytest tests/benchmarks --benchmark-enable

# Every float32 of every unary function, against the C library's double: prints the largest errors. 20 minutes.
exhaustive:
	cmake --preset release && cmake --build --preset release --target ingot_tests
	build/release/ingot_tests --no-skip --test-case="*all floats*"

# The five longest files and the number of op rows.
facts: $(BIN)/activate
	$(BIN)/python tests/facts.py

clean:
	rm -rf build dist $(VENV)

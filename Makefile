# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0

PYTHON ?= python3
CLANG ?= clang++

MAKEFLAGS += --no-print-directory
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc)

VENV := .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --quiet --disable-pip-version-check
DIST := $(VENV)/dist

# Folders are listed too: their time changes when a file disappears.
SOURCES := pyproject.toml CMakeLists.txt README.md LICENSE \
  $(shell find kernels bindings pyhost -not -path '*/__pycache__*')
CXX_FILES := $(shell find kernels bindings testbench pyhost tests/hardware/rtl -name '*.[ch]pp')

.PHONY: help train quick test testbenches speed test-clang test-board board-wheel rehearse-board \
  fuzz lint lint-kernels editable docs format clean
.DELETE_ON_ERROR:

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

train: $(VENV)/package.stamp ## Train on the bundled digits
	$(BIN)/fewmult-hls train --out runs/digits --overwrite

# A file of tests is one worker's. More of them would want more memory than they save time.
PYTEST := -m pytest -n $(CMAKE_BUILD_PARALLEL_LEVEL) --maxprocesses 8 --dist loadfile

quick: .venv-dev/editable.stamp ## Run the tests that are not slow
	.venv-dev/bin/python $(PYTEST) -m "not speed and not slow"

# Pytest says at its end how long all of it took.
test: export FEWMULT_TESTS_BEGAN := $(shell date +%s)
test: testbenches $(VENV)/exchange.stamp ## Run the testbenches, then pytest
	$(BIN)/python $(PYTEST)

testbenches: $(VENV)/test.stamp ## Build and run the testbenches, plain and sanitized
	rm -rf build/golden
	$(BIN)/python -m fewmult_hls.proof.golden build/golden
	$(call testbenches,build/testbench,OFF)
	$(call testbenches,build/sanitize,ON)

speed: $(VENV)/test.stamp ## Run the tests of ratios and start-up times, on a quiet machine
	$(BIN)/python -m pytest -m speed

# The package's own sources as well as the testbenches: a compiler may take one and refuse the other.
test-clang: $(VENV)/test.stamp ## Build package and testbenches with clang++, and run the testbenches
	$(PIP) install "pybind11>=2.11"
	rm -rf build/golden
	$(BIN)/python -m fewmult_hls.proof.golden build/golden
	$(call testbenches,build/clang,OFF,-DCMAKE_CXX_COMPILER=$(CLANG) -DSKBUILD=ON \
	  -DPYBIND11_FINDPYTHON=ON -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python \
	  -Dpybind11_DIR=$$($(BIN)/python -m pybind11 --cmakedir) -DCMAKE_EXPORT_COMPILE_COMMANDS=ON)
	$(BIN)/python tools/cpp_warnings.py build/clang --resource-dir "$$($(CLANG) -print-resource-dir)"

BOARD_TESTS := $(patsubst %,tests/%.py,backends/test_pynq_backend backends/test_pynq_places \
  hardware/test_embedded_device hardware/test_rtl_device hardware/test_hwh hardware/test_deploy \
  notebooks/test_notebooks test_api)

# pynq holds numpy below 2: an environment of its own.
test-board: .venv-board/board.stamp ## Run the tests that need pynq (Python 3.10 to 3.12)
	.venv-board/bin/python $(PYTEST) $(BOARD_TESTS)

# What the package needs besides what is compiled in the board's image: numpy, pillow, requests.
BOARD_NEEDS := click markdown-it-py mdurl packaging platformdirs pooch pygments rich tomli tomli-w

board-wheel: $(VENV)/package.stamp ## Make the wheel for boards, pure Python, and get those it needs
	$(PIP) wheel --no-deps --wheel-dir $(DIST)/board \
	  -C wheel.cmake=false -C wheel.platlib=false -C wheel.py-api=py3 .
	$(PIP) download --no-deps --only-binary=:all: --implementation py --abi none --platform any \
	  --python-version 3.10 --dest $(DIST)/board $(BOARD_NEEDS)
	@ls $(DIST)/board/*.whl

rehearse-board: board-wheel ## Run the emulated board's tests as 32-bit ARM code; needs root, and half an hour
	tests/hardware/armhf/rehearse.sh $(DIST)/board/fewmult_hls-*.whl

FUZZ := --minutes 5 --cases 700

fuzz: $(VENV)/test.stamp ## Spoil files and arguments, FUZZ="--minutes 60 --seed 9" for other ones
	$(BIN)/python tools/fuzz $(FUZZ)

lint: $(VENV)/lint.stamp ## Check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(CXX_FILES)

lint-kernels: $(VENV)/test.stamp ## Say where an HLS compiler would refuse a kernel
	$(BIN)/python tools/hls_lint.py

editable: .venv-dev/editable.stamp ## Install for work on it: Python counts at once, of C++ what changed is built

docs: .venv-dev/editable.stamp ## Fill what pages quote from the sources, and draw their pictures
	.venv-dev/bin/python tools/quote.py
	.venv-dev/bin/python tools/pictures.py

format: $(VENV)/lint.stamp ## Rewrite the sources in the house format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/clang-format -i $(CXX_FILES)

clean: ## Remove all that was built, but not runs/
	rm -rf $(VENV) .venv-board .venv-dev build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find pyhost tests -name __pycache__ -prune -exec rm -rf {} +

# $(call testbenches,build folder,sanitize,more arguments). CMAKE_ARGS, from the environment, reaches the build of
# the package as well.
define testbenches
$(BIN)/cmake -S . -B $(1) -G "Unix Makefiles" $(CMAKE_ARGS) -DFEWMULT_TESTBENCHES=ON \
  -DFEWMULT_SANITIZE=$(2) -DFEWMULT_GOLDEN_DIR="$(CURDIR)/build/golden" $(3)
$(BIN)/cmake --build $(1)
cd $(1) && "$(CURDIR)/$(BIN)/ctest" --output-on-failure
endef

# One wheel serves every target: an extra adds its tools without building the package again.
$(VENV)/venv.stamp:
	$(PYTHON) -m venv --clear $(VENV)
	touch $@

$(VENV)/package.stamp: $(VENV)/venv.stamp $(SOURCES)
	rm -rf $(DIST)
	$(PIP) wheel --no-deps --wheel-dir $(DIST) .
	$(PIP) install $(DIST)/*.whl
	@# pip keeps what is installed while the version stays the same.
	$(PIP) install --force-reinstall --no-deps $(DIST)/*.whl
	touch $@

$(VENV)/test.stamp $(VENV)/lint.stamp: $(VENV)/%.stamp: $(VENV)/package.stamp
	$(PIP) install "$$(echo $(DIST)/*.whl)[$*]"
	touch $@

# Not every Python has these, and nothing but some tests needs them.
$(VENV)/exchange.stamp: $(VENV)/test.stamp
	$(PIP) install "$$(echo $(DIST)/*.whl)[exchange]" || \
	  echo "onnxruntime, qonnx and hls4ml cannot be installed here: their tests are skipped"
	touch $@

.venv-board/board.stamp: $(VENV)/package.stamp
	$(PYTHON) -m venv --clear .venv-board
	@# Of the seventy packages that pynq brings, tests import few: those are compiled then.
	PIP_COMPILE=0 .venv-board/bin/python -m pip --quiet --disable-pip-version-check install \
	  "$$(echo $(DIST)/*.whl)[board,test]"
	touch $@

# Its build folder stays, and what builds it must, too: of C++ only what changed is compiled again.
.venv-dev/venv.stamp:
	$(PYTHON) -m venv --clear .venv-dev
	.venv-dev/bin/python -m pip --quiet --disable-pip-version-check install \
	  "scikit-build-core>=0.11" "pybind11>=2.11" ninja
	touch $@

.venv-dev/editable.stamp: .venv-dev/venv.stamp pyproject.toml CMakeLists.txt $(shell find kernels bindings)
	.venv-dev/bin/python -m pip --quiet --disable-pip-version-check install \
	  --no-build-isolation -C build-dir=build/editable -e ".[test,lint]"
	touch $@

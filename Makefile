PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help demo napari need-display test test-compiling-hough test-compiling-matching \
	test-window test-training test-mapping test-whole test-rest lowest jax audit docs clean

help: ## list what make can do
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(INSTALLED) ## map the sample scan; the results go to demo-output/
	$(BIN)/bravais demo -o demo-output

napari: need-display $(INSTALLED) ## open the window on the sample scan (needs a desktop)
	$(BIN)/napari sample_data/quartz_rutile.h5 --plugin napari-bravais \
		--with napari-bravais "Bravais lattice map"

need-display:
	@bash scripts/need-display.sh

# Each part of the tests gets one thread of Numba's, of OpenBLAS's and of TensorFlow's: with two
# each, two processes on two cores mostly waited for each other (docs/training-log.md).
ONE_THREAD = NUMBA_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1

test: $(INSTALLED) ## check the style and the manifest, run the tests, and build the documentation
	@bash scripts/apt-packages.sh $$(cat scripts/window-packages.txt)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/npe2 validate napari-bravais
	$(ONE_THREAD) $(MAKE) --no-print-directory -j2 -Oline test-compiling-hough test-compiling-matching
	$(ONE_THREAD) $(MAKE) --no-print-directory -j2 -Oline \
		test-window test-training test-mapping test-whole test-rest docs

# First what has Numba compile the most, some minutes in a fresh clone: the others need both, and
# each would compile them for itself, at the same time. Then two at a time, the longest first.
COMPILING_HOUGH = tests/mapping/test_hough.py tests/mapping/test_cli.py tests/io tests/fingerprint
COMPILING_MATCHING = tests/mapping/matching tests/mapping/assembly

test-compiling-hough:
	$(BIN)/pytest $(COMPILING_HOUGH)

test-compiling-matching:
	$(BIN)/pytest $(COMPILING_MATCHING)

test-training:
	$(BIN)/pytest tests/training

test-mapping:
	$(BIN)/pytest tests/mapping $(patsubst %,--ignore=%,$(COMPILING_HOUGH) $(COMPILING_MATCHING))

test-whole:
	$(BIN)/pytest $(wildcard tests/test_*.py)

test-rest:
	$(BIN)/pytest $(patsubst %,--ignore=%,tests/gui tests/training tests/mapping $(COMPILING_HOUGH) \
		$(wildcard tests/test_*.py))

# The window and TensorFlow cannot share a process, so the window's tests have one of their own,
# and there a screen of their own: tests/gui starts it where no display is told.
test-window:
	env -u DISPLAY -u WAYLAND_DISPLAY $(BIN)/pytest tests/gui

lowest: $(INSTALLED) ## run the tests, but the window's, with the oldest packages that are allowed
	@bash scripts/lowest.sh

jax: $(INSTALLED) ## run the network's tests on Keras's JAX backend
	@bash scripts/jax.sh

audit: $(INSTALLED) ## look for known vulnerabilities in the packages that are installed
	@bash scripts/audit.sh

docs: $(INSTALLED) ## build the documentation, docs/_build/index.html; warnings are errors
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build

clean: ## remove the virtual environment, the demo's results and caches
	rm -rf .venv .venv-lowest .venv-jax demo-output docs/_build dist build .pytest_cache .ruff_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The install holds copies of the manifest and of the sample data.
$(INSTALLED): pyproject.toml napari.yaml $(wildcard sample_data/*.*) scripts/install.sh
	@bash scripts/install.sh "$(PYTHON)"
	@touch $@

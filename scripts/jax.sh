#!/usr/bin/env bash
# Run the network's tests on Keras's JAX backend, which is installed beside .venv, in .venv-jax.
# Usage: jax.sh
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin

# what JAX needs besides is there: other versions of it would hide what .venv has
"$bin/uv" pip install --quiet --python "$bin/python" --target .venv-jax --no-deps \
	jax jaxlib opt_einsum
KERAS_BACKEND=jax PYTHONPATH=$PWD/.venv-jax exec "$bin/pytest" \
	-m "not tensorflow" tests/model tests/training/test_training.py

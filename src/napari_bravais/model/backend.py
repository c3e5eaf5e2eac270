"""What Keras's backends do each in their own way: starting, compiling, naming the device."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

#: What can compute the network: Keras is the reference.
RUNTIMES = ("keras", "openvino")

#: Patterns from which on OpenVINO's speed makes up for the time it takes to convert the network.
WORTH_CONVERTING = 10_000


def quiet_keras():
    """Import Keras and return it, without TensorFlow's greeting, which no log level stops."""
    if "keras" not in sys.modules:
        sys.stderr.flush()
        kept = os.dup(2)
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        try:
            import keras
        finally:
            os.dup2(kept, 2)
            os.close(kept)
    import keras

    return keras


def compiled(function: Callable) -> Callable:
    """Compile a function of arrays for the backend; it is traced anew for each input shape."""
    backend = quiet_keras().backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        # it warns of tracings, and ours are one a detector size
        tf.get_logger().setLevel("ERROR")
        return tf.function(function)
    if backend == "jax":
        import jax

        return jax.jit(function)
    return function


def device_name() -> str:
    """Name the device that networks run on, for example ``"GPU (TensorFlow)"``."""
    backend = quiet_keras().backend.backend()
    kind = "CPU"
    if backend == "tensorflow":
        import tensorflow as tf

        kind = "GPU" if tf.config.get_visible_devices("GPU") else "CPU"
    elif backend == "jax":
        import jax

        kind = jax.default_backend().upper()
    name = {"tensorflow": "TensorFlow", "jax": "JAX"}.get(backend, backend)
    return f"{kind} ({name})"


def stay_on_cpu() -> None:
    """Let networks run on the CPU, whatever else is there; to be called before any is loaded."""
    backend = quiet_keras().backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")
    elif backend == "jax":
        import jax

        jax.config.update("jax_platforms", "cpu")


def versions() -> dict[str, str]:
    """Return the versions of Keras and of its backend."""
    keras = quiet_keras()
    backend = keras.backend.backend()
    return {"keras": keras.__version__, backend: import_module(backend).__version__}


def fastest_runtime(patterns: int) -> str:
    """Return which of the usable runtimes finishes a number of patterns first.

    OpenVINO takes some seconds to convert the network.
    """
    return usable_runtimes()[-1] if patterns >= WORTH_CONVERTING else "keras"


def usable_runtimes() -> list[str]:
    """Return the runtimes that can be used here, the fastest last; a GPU needs no other."""
    on_cpu = device_name() == "CPU (TensorFlow)"
    return [name for name in RUNTIMES if name == "keras" or (on_cpu and find_spec(name))]

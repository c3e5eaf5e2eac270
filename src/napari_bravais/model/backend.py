"""What Keras's backends do each in their own way: starting, compiling, naming the device."""

import os
import sys
from collections.abc import Callable


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

        kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    elif backend == "jax":
        import jax

        kind = jax.default_backend().upper()
    name = {"tensorflow": "TensorFlow", "jax": "JAX"}.get(backend, backend)
    return f"{kind} ({name})"

"""What Keras's backends do each in their own way: compiling and naming the device."""

from collections.abc import Callable

import keras


def compiled(function: Callable) -> Callable:
    """Compile a function of arrays for the backend; it is traced anew for each input shape."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def device_name() -> str:
    """Name the device that networks run on, for example ``"GPU (TensorFlow)"``."""
    backend = keras.backend.backend()
    kind = "CPU"
    if backend == "tensorflow":
        import tensorflow as tf

        kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    elif backend == "jax":
        import jax

        kind = jax.default_backend().upper()
    name = {"tensorflow": "TensorFlow", "jax": "JAX"}.get(backend, backend)
    return f"{kind} ({name})"

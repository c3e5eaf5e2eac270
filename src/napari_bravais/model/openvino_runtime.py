"""The network on OpenVINO: the same weights as in Keras, converted, at twice the speed on CPUs."""

import threading
from typing import Any

import numpy as np

#: Patterns in one go: few enough that what lies between two layers stays in the cache.
_BATCH = 32


class OpenVINOReader:
    """Answers as the Keras model does that it is made of.

    The preparation is computed in single precision, the network in the precision that the CPU is
    fastest in: bfloat16 where it has instructions for it.

    Parameters
    ----------
    preparation, backbone
        Layers of the Keras model, which must run on TensorFlow.

    Attributes
    ----------
    precision
        What the network is computed in, for example ``"bfloat16"``.
    versions
        OpenVINO's version, by its name.
    """

    def __init__(self, preparation: Any, backbone: Any):
        import openvino

        self.versions = {"openvino": openvino.__version__.split("-")[0]}
        self._core = openvino.Core()
        self._preparation = preparation
        self._preparations = {}  # compiled ones, by the size of the detector
        shape = (None, *backbone.input.shape[1:])
        network = _converted(lambda images: backbone(images, training=False), shape)
        self._backbone = self._core.compile_model(network, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
        kind = self._backbone.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.precision = {"bf16": "bfloat16", "f32": "float32", "f16": "float16"}.get(kind, kind)
        self._lock = threading.Lock()  # a compiled model's request answers one thread at a time

    def __call__(self, raw: np.ndarray) -> dict[str, np.ndarray]:
        """Return ``logits``, shape (n, 14), and ``quality``, shape (n, 1).

        Parameters
        ----------
        raw
            Patterns, shape (n, h, w), float32.
        """
        with self._lock:
            prepare = self._prepare(raw.shape[1:])
            answers = []
            for start in range(0, len(raw), _BATCH):
                prepared = prepare([raw[start : start + _BATCH]])[0]
                answer = self._backbone([prepared])
                answers.append([answer[name] for name in ("logits", "quality")])
        logits, quality = zip(*answers, strict=True)
        return {"logits": np.concatenate(logits), "quality": np.concatenate(quality)}

    def _prepare(self, signal_shape: tuple[int, int]) -> Any:
        """Return the compiled preparation of patterns of a size."""
        if signal_shape not in self._preparations:
            model = _converted(self._preparation, (None, *signal_shape))
            settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
            self._preparations[signal_shape] = self._core.compile_model(model, "CPU", settings)
        return self._preparations[signal_shape]


def _converted(function: Any, input_shape: tuple[int | None, ...]) -> Any:
    """Convert a function of one float32 array."""
    import openvino
    import tensorflow as tf

    traced = tf.function(
        lambda array: function(array),
        input_signature=[tf.TensorSpec(input_shape, tf.float32)],
        autograph=False,
    )
    return openvino.convert_model(traced.get_concrete_function())

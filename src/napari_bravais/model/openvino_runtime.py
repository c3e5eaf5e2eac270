"""The network on OpenVINO: the same weights as in Keras, converted, at twice the speed on CPUs."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

#: Patterns in one go. Each core works through its own: cores that share a batch wait for one
#: another at every layer (measured on two: 1.35 times as fast so). Full batches have models that
#: are compiled for just that number (1.1 times as fast), others one for any number.
_BATCH = 128


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
        from dask.system import CPU_COUNT  # fewer than the machine's where a scheduler allots them

        openvino = _openvino()
        self.versions = {"openvino": openvino.__version__.split("-")[0]}
        self._core = openvino.Core()
        self._cores = CPU_COUNT
        self._threads = ThreadPoolExecutor(self._cores, "openvino")
        self._own = threading.local()  # each thread's requests
        self._preparation = preparation

        def answers(prepared, camera):
            answer = backbone({"prepared": prepared, "camera": camera}, training=False)
            return {name: answer[name] for name in ("logits", "quality")}

        network = _converted(
            answers,
            *((None, *backbone.input[name].shape[1:]) for name in ("prepared", "camera")),
        )
        # the network, and preparations by the size of the detector: converted, and compiled
        self._models = {None: network}
        self._compiled = {}
        self._lock = threading.Lock()
        hint = self._model(None, full=False).get_property("INFERENCE_PRECISION_HINT")
        kind = hint.get_type_name()
        self.precision = {"bf16": "bfloat16", "f32": "float32", "f16": "float16"}.get(kind, kind)

    def __call__(self, raw: np.ndarray, camera: np.ndarray) -> dict[str, np.ndarray]:
        """Return ``logits``, shape (n, 14), and ``quality``, shape (n, 1).

        Parameters
        ----------
        raw
            Patterns, shape (n, h, w), float32.
        camera
            What is known of the cameras, shape (n, 4), float32.
        """
        parts = [slice(start, start + _BATCH) for start in range(0, len(raw), _BATCH)]
        answers = self._threads.map(lambda part: self._answer(raw[part], camera[part]), parts)
        logits, quality = zip(*answers, strict=True)
        return {"logits": np.concatenate(logits), "quality": np.concatenate(quality)}

    def _answer(self, raw: np.ndarray, camera: np.ndarray) -> list[np.ndarray]:
        """Return logits and quality of a batch, in one of the threads."""
        full = len(raw) == _BATCH
        prepare, network = (
            self._request(self._model(size, full)) for size in (raw.shape[1:], None)
        )
        prepared = prepare.infer([raw], share_inputs=True)[0]
        answer = network.infer([prepared, camera], share_inputs=True)
        return [answer[name].copy() for name in ("logits", "quality")]

    def _request(self, model: Any) -> Any:
        """Return this thread's own request to a compiled model."""
        requests = self._own.__dict__
        if id(model) not in requests:
            requests[id(model)] = model.create_infer_request()
        return requests[id(model)]

    def _model(self, size: tuple[int, int] | None, full: bool) -> Any:
        """Return the compiled preparation of patterns of a size, or without one the network."""
        with self._lock:
            if (size, full) not in self._compiled:
                self._compiled[size, full] = self._compile(size, full)
            return self._compiled[size, full]

    def _compile(self, size: tuple[int, int] | None, full: bool) -> Any:
        """Compile a model for as many requests at a time as there are cores."""
        if size not in self._models:
            self._models[size] = _converted(self._preparation, (None, *size))
        model = self._models[size]
        if full:
            model = model.clone()
            shapes = {port: port.partial_shape for port in model.inputs}
            for shape in shapes.values():
                shape[0] = _BATCH
            model.reshape(shapes)
        settings = {
            "NUM_STREAMS": self._cores,
            "INFERENCE_NUM_THREADS": self._cores,
            # else both models may wait for one core while another is idle
            "ENABLE_CPU_PINNING": False,
        }
        if size is not None:
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        return self._core.compile_model(model, "CPU", settings)


def _openvino() -> Any:
    """Import OpenVINO without its telemetry.

    That would tell a server what users do, from processes that it forks: a fork can hang for ever
    where other threads are at work, and did, in the tests.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # OpenVINO does without what is not there
    import openvino

    return openvino


def _converted(function: Any, *input_shapes: tuple[int | None, ...]) -> Any:
    """Convert a function of float32 arrays."""
    import tensorflow as tf

    traced = tf.function(
        lambda *arrays: function(*arrays),
        input_signature=[tf.TensorSpec(shape, tf.float32) for shape in input_shapes],
        autograph=False,
    )
    return _openvino().convert_model(traced.get_concrete_function())

"""``Classifier``: patterns in, probabilities of the 14 lattices out."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.lattices import lattice as lattice_of
from napari_bravais.model.batches import (
    BATCH_SIZE,
    answers,
    camera_of,
    checked,
    flattened,
    padded,
)
from napari_bravais.model.card import ModelError, read_card
from napari_bravais.model.explanation import grad_cam, of_bands, over_pattern, weights_of_lattice
from napari_bravais.model.lines import SIZE

if TYPE_CHECKING:
    from napari_bravais.model.candidates import MaterialIndex

BUNDLED = Path(__file__).parent / "weights" / "bravais-compact.keras"


class Classifier:
    """Reads the Bravais lattice from EBSD patterns.

    Make one with `Classifier.bundled` or `Classifier.load`.

    Attributes
    ----------
    name
        Name of the model.
    card
        The model card: what the model was trained on and how well it does.
    checksum
        SHA-256 of the model file.
    index_checksum
        That of its index of materials, if it tells those from the network's own, too.
    device
        What it runs on, for example ``"CPU (TensorFlow)"``.
    path
        The model file.
    runtime
        What computes the network: ``"keras"`` or ``"openvino"``.
    versions
        Versions of the libraries that compute it, by name.
    quality_threshold
        Pattern quality under which a pattern should count as not classified.
    """

    def __init__(
        self,
        preparation,
        backbone,
        card: dict,
        path: Path,
        runtime: str,
        index_checksum: str | None,
    ):
        from napari_bravais.model.backend import compiled, device_name, versions
        from napari_bravais.model.network import with_features

        self.path, self.runtime = path, runtime
        self.card = card
        self.name = card["name"]
        self.checksum, self.index_checksum = card["sha256"], index_checksum
        self.quality_threshold = card["quality_threshold"]
        self.device, self.versions = device_name(), versions()
        detailed = with_features(backbone)
        self._kernel, self._bias = map(np.asarray, backbone.get_layer("crystal").get_weights())
        self._lattices = np.array(list(backbone.get_layer("logits").crystals.values()))
        self._prepare = compiled(preparation)
        if runtime == "openvino":
            from napari_bravais.model.openvino_runtime import OpenVINOReader

            self._read = OpenVINOReader(preparation, backbone)
            self.device = f"CPU (OpenVINO, {self._read.precision})"
            self.versions |= self._read.versions
        else:
            self._read = _of_raw_patterns(preparation, backbone)
        self._look = _of_raw_patterns(preparation, detailed)

    @classmethod
    def bundled(cls, runtime: str = "keras", *, whole: bool = True) -> "Classifier":
        """Return the classifier that comes with napari-bravais.

        Parameters
        ----------
        runtime, whole
            As for `load`.

        Raises
        ------
        ModelError
            If its files are damaged.
        """
        return cls.load(BUNDLED, runtime, whole=whole)

    @classmethod
    def load(cls, path: str | Path, runtime: str = "keras", *, whole: bool = True) -> "Classifier":
        """Load a classifier from a ``.keras`` file with its ``.json`` model card beside it.

        Parameters
        ----------
        path
            The ``.keras`` file.
        runtime
            What computes the network: ``"keras"``, the reference, or ``"openvino"``, which is
            faster on CPUs and gives the same labels but where two lattices are equally likely.
        whole
            Whether it also tells the materials that were added to its index, if an index lies
            beside it (`napari_bravais.model.candidates`), as users have it; else only what the
            network was trained on, as a model is judged.

        Raises
        ------
        ModelError
            If the runtime or a file is missing, the checksum differs from the card's, or the model
            has another input or other classes. Keras's safe mode refuses a model that carries code.
        ValueError
            If there is no such runtime.
        """
        from napari_bravais.model.backend import RUNTIMES
        from napari_bravais.model.candidates import MaterialIndex, index_path

        path = Path(path).absolute()
        card = read_card(path)
        if runtime not in RUNTIMES:
            raise ValueError(f"there is no runtime {runtime!r}; there are {', '.join(RUNTIMES)}")
        if runtime == "openvino" and not find_spec("openvino"):
            raise ModelError("OpenVINO is not installed: pip install 'napari-bravais[fast]'")
        preparation, backbone = _networks_of(path)
        index, index_checksum = index_path(path), None
        if whole and index.is_file():
            backbone = _with_index(backbone, MaterialIndex.load(index, card["sha256"]))
            index_checksum = read_card(index)["sha256"]
        return cls(preparation, backbone, card, path, runtime, index_checksum)

    def predict(
        self,
        patterns: np.ndarray,
        static_background: np.ndarray | None = None,
        pattern_centre: Sequence[float] | np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the probability of each lattice.

        Parameters
        ----------
        patterns
            Patterns, shape (n, h, w), any real dtype and any detector size.
        static_background
            What the detector shows without a pattern, shape (h, w): it is divided out first, and
            with it the dust and the unevenness of the phosphor.
        pattern_centre
            Where it is known: (pcx, pcy, pcz) of all patterns, or of each, shape (n, 3), in
            Bruker's convention, in fractions of the detector. With it bands and the angles between
            them can be measured. One of a camera that training had not counts as not known.

        Returns
        -------
        numpy.ndarray
            Shape (n, 14), float32; rows sum to one; columns in the order of
            `napari_bravais.lattices.PEARSON_SYMBOLS`.

        Raises
        ------
        ValueError
            If ``patterns`` has another rank, is not real, or its patterns are under 8x8 pixels; if
            the static background or the pattern centre does not fit them.
        """
        return self.assess(patterns, static_background, pattern_centre)[0]

    def assess(
        self,
        patterns: np.ndarray,
        static_background: np.ndarray | None = None,
        pattern_centre: Sequence[float] | np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the probability of each lattice, and the quality of each pattern.

        Parameters
        ----------
        patterns, static_background, pattern_centre
            As for `predict`.

        Returns
        -------
        tuple of numpy.ndarray
            Probabilities, shape (n, 14), and quality, shape (n,), float32 in [0, 1]: the
            correlation that the network expects between a prepared pattern and its noise-free
            self; near zero where there is no pattern at all.
        """
        patterns = checked(patterns)
        probabilities = np.empty((len(patterns), len(PEARSON_SYMBOLS)), np.float32)
        quality = np.empty(len(patterns), np.float32)
        camera = camera_of(pattern_centre, patterns)
        for part, answer in answers(self._read, patterns, static_background, camera):
            probabilities[part] = _softmax(answer["logits"])
            quality[part] = answer["quality"][:, 0]
        return probabilities, quality

    def embed(
        self,
        patterns: np.ndarray,
        static_background: np.ndarray | None = None,
        pattern_centre: Sequence[float] | np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what `assess` does, and what the network sees in each pattern.

        Parameters
        ----------
        patterns, static_background, pattern_centre
            As for `predict`.

        Returns
        -------
        tuple of numpy.ndarray
            Probabilities, shape (n, 14); quality, shape (n,); and the means of the last feature
            maps, of which both are functions, shape (n, channels). All float32.
        """
        patterns = checked(patterns)
        probabilities = np.empty((len(patterns), len(PEARSON_SYMBOLS)), np.float32)
        quality = np.empty(len(patterns), np.float32)
        features = np.empty((len(patterns), len(self._kernel)), np.float32)
        camera = camera_of(pattern_centre, patterns)
        for part, answer in answers(self._look, patterns, static_background, camera):
            probabilities[part] = _softmax(answer["logits"])
            quality[part] = answer["quality"][:, 0]
            features[part] = answer["features"].mean(axis=(1, 2))
        return probabilities, quality, features

    def crystals(self, features: np.ndarray) -> np.ndarray:
        """Return logits of the crystals that it tells apart, shape (n, crystals).

        Parameters
        ----------
        features
            What `embed` sees in patterns, shape (n, channels).
        """
        return features @ self._kernel + self._bias

    def explain(
        self,
        pattern: np.ndarray,
        lattice: str | None = None,
        static_background: np.ndarray | None = None,
        pattern_centre: Sequence[float] | np.ndarray | None = None,
    ) -> np.ndarray:
        """Return where a pattern speaks for a lattice (Grad-CAM).

        Parameters
        ----------
        pattern
            One pattern, shape (h, w).
        lattice
            Pearson symbol of the lattice to explain; the likeliest by default.
        static_background, pattern_centre
            As for `predict`.

        Returns
        -------
        numpy.ndarray
            Shape (h, w), float32 in [0, 1].

        Raises
        ------
        ValueError
            If ``pattern`` is no pattern or ``lattice`` no Pearson symbol.
        """
        patterns = checked(np.asarray(pattern)[None])
        camera = camera_of(pattern_centre, patterns)
        answer = self._look(flattened(patterns, static_background), camera)
        answer = {name: np.asarray(values)[0] for name, values in answer.items()}
        index = answer["logits"].argmax() if lattice is None else lattice_of(lattice).index
        weights = weights_of_lattice(answer["crystal"], self._kernel, self._lattices == index)
        heat = grad_cam(answer["features"], weights)
        bands = of_bands(heat, answer["lines"][..., 0])
        return over_pattern(bands, patterns.shape[1:])

    def prepare(
        self, patterns: np.ndarray, static_background: np.ndarray | None = None
    ) -> np.ndarray:
        """Return patterns as the network sees them.

        Parameters
        ----------
        patterns
            Patterns, shape (n, h, w), or one, shape (h, w).
        static_background
            As for `predict`.

        Returns
        -------
        numpy.ndarray
            Shape (n, 80, 80), or (80, 80) of one; 0 where nothing is known.

        Raises
        ------
        ValueError
            As for `predict`.
        """
        several = np.asarray(patterns)
        several = checked(several[None] if several.ndim == 2 else several)
        prepared = np.empty((len(several), SIZE, SIZE), np.float32)
        for start in range(0, len(several), BATCH_SIZE):
            batch = several[start : start + BATCH_SIZE]
            answer = self._prepare(padded(flattened(batch, static_background)))
            prepared[start : start + BATCH_SIZE] = np.asarray(answer)[: len(batch), ..., 0]
        return prepared if np.ndim(patterns) == 3 else prepared[0]


def _networks_of(path: Path) -> tuple:
    """Return what prepares patterns and what reads them, out of a saved model."""
    from napari_bravais.model.backend import quiet_keras

    keras = quiet_keras()
    # Keras knows the layers of a saved file only once their modules are imported.
    import napari_bravais.model.crystals
    import napari_bravais.model.line_angles
    import napari_bravais.model.preparation
    import napari_bravais.model.radon

    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise ModelError(f"{path}: Keras cannot load this model: {error}") from error
    layers = {layer.name for layer in model.layers}
    if not {"preparation", "backbone"} <= layers:
        raise ModelError(f"{path}: the model has no preparation of raw patterns")
    backbone = model.get_layer("backbone")
    if not isinstance(backbone.input, dict) or backbone.input.keys() != {"prepared", "camera"}:
        raise ModelError(f"{path}: the model does not take patterns and their camera")
    summed = {layer.name: layer for layer in backbone.layers}.get("logits")
    if not isinstance(summed, napari_bravais.model.crystals.SummedByLattice):
        raise ModelError(
            f"{path}: the model does not tell crystals apart; `bravais train` and `bravais "
            "export-model` of this version make such models"
        )
    if summed.units != len(PEARSON_SYMBOLS):
        raise ModelError(f"{path}: the model has {summed.units} classes, not the 14 lattices")
    return model.get_layer("preparation"), backbone


def _with_index(backbone, index: "MaterialIndex"):
    """Return a network that tells the materials that were added to its index, too."""
    from napari_bravais.model.network import with_more_crystals

    added = index.materials[len(index.materials) - index.kept_out :]
    if not added:
        return backbone
    lattices = {material.key: lattice_of(material.lattice).index for material in added}
    return with_more_crystals(backbone, lattices, index.more_weights, index.more_bias)


def _of_raw_patterns(preparation: Callable, network: Callable) -> Callable:
    """Return what answers as a network does to raw patterns and what is known of the camera."""
    from napari_bravais.model.backend import compiled

    return compiled(
        lambda raw, camera: network(
            {"prepared": preparation(raw), "camera": camera}, training=False
        )
    )


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponential = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponential / exponential.sum(axis=1, keepdims=True)

"""``StructureClassifier``: fingerprints in, probabilities of the seven crystal classes out."""

from pathlib import Path

import numpy as np

from napari_bravais.fingerprint.classes import CLASSES
from napari_bravais.fingerprint.diffraction import SIZE
from napari_bravais.model.card import ModelError, read_card

BUNDLED = Path(__file__).parent / "weights" / "ziletti2018.keras"

#: Fingerprints that the network reads at once.
BATCH_SIZE = 64


class StructureClassifier:
    """Reads the crystal class from diffraction fingerprints.

    Make one with `StructureClassifier.bundled` or `StructureClassifier.load`.

    Attributes
    ----------
    card
        The model card: what the network was trained on and how well it does.
    model
        The Keras network, whose output are logits.
    """

    def __init__(self, model, card: dict):
        from napari_bravais.model.backend import compiled

        self.card = card
        self.model = model
        self._read = compiled(lambda images: model(images, training=False))

    @classmethod
    def bundled(cls) -> "StructureClassifier":
        """Return the classifier that comes with napari-bravais.

        Raises
        ------
        ModelError
            If its files are damaged.
        """
        return cls.load(BUNDLED)

    @classmethod
    def load(cls, path: str | Path) -> "StructureClassifier":
        """Load a classifier from a ``.keras`` file with its ``.json`` model card beside it.

        Raises
        ------
        ModelError
            If a file is missing, the checksum differs from the card's, or the network has another
            input or output. Keras's safe mode refuses a model that carries code.
        """
        from napari_bravais.model.backend import quiet_keras

        path = Path(path)
        card = read_card(path)
        try:
            model = quiet_keras().saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:
            raise ModelError(f"{path}: Keras cannot load this model: {error}") from error
        if model.input_shape != (None, SIZE, SIZE, 3):
            raise ModelError(f"{path}: the model reads {model.input_shape}, not fingerprints")
        if model.output_shape != (None, len(CLASSES)):
            raise ModelError(f"{path}: the model does not tell the seven crystal classes apart")
        return cls(model, card)

    def logits(self, fingerprints: np.ndarray) -> np.ndarray:
        """Return the network's raw answers, shape (n, 7), float32.

        Parameters
        ----------
        fingerprints
            Shape (n, 64, 64, 3), in [0, 1].

        Raises
        ------
        ValueError
            If they have another shape.
        """
        fingerprints = np.asarray(fingerprints, np.float32)
        if fingerprints.shape[1:] != (SIZE, SIZE, 3):
            raise ValueError(
                f"fingerprints must have the shape (n, 64, 64, 3), not {fingerprints.shape}"
            )
        answers = np.empty((len(fingerprints), len(CLASSES)), np.float32)
        for start in range(0, len(fingerprints), BATCH_SIZE):
            batch = fingerprints[start : start + BATCH_SIZE]
            # the graph is traced anew for each shape: a whole batch, or a power of two
            padded = np.zeros((1 << (len(batch) - 1).bit_length(), SIZE, SIZE, 3), np.float32)
            padded[: len(batch)] = batch
            answers[start : start + len(batch)] = np.asarray(self._read(padded))[: len(batch)]
        return answers

    def predict(self, fingerprints: np.ndarray) -> np.ndarray:
        """Return the calibrated probability of each class.

        Parameters
        ----------
        fingerprints
            Shape (n, 64, 64, 3), in [0, 1].

        Returns
        -------
        numpy.ndarray
            Shape (n, 7), float32; columns in the order of
            `napari_bravais.fingerprint.classes.CLASSES`.

        Raises
        ------
        ValueError
            If ``fingerprints`` have another shape.
        """
        return calibrated(self.logits(fingerprints), self.card["temperature"])


def calibrated(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities that are as sure as they are right.

    The worse a structure's defects, the closer together its logits lie, and they deserve less
    trust than one temperature for all would give them: each structure's is ``temperature`` over
    the standard deviation of its logits (after C. Tomani et al., *Parameterized Temperature
    Scaling*, ECCV 2022).

    Parameters
    ----------
    logits
        Shape (n, classes).
    temperature
        What logits of standard deviation 1 are divided by.
    """
    return softmax(logits * logits.std(axis=1, keepdims=True) / temperature)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities of logits, shape (n, classes)."""
    exponential = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponential / exponential.sum(axis=1, keepdims=True)

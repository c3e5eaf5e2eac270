"""Attentive response maps: which parts of a fingerprint the filters of a layer answered to.

The greatest answer of each chosen filter is projected back to the image by fractionally strided
convolutions with the network's own kernels: through the places that pooling had let through, and
through the filters that had answered themselves, positive values only (M. D. Zeiler and R. Fergus,
ECCV 2014; D. Kumar, A. Wong and G. W. Taylor, CVPR Workshops 2017; with the choices of the
program that A. Ziletti and D. Kumar published, ai4materials, but for the places of the greatest,
where that repeats pixels).
"""

import numpy as np

#: The convolutions, first to last, and the pooling after some of them.
CONVOLUTIONS = ("conv1a", "conv1b", "conv2a", "conv2b", "conv3a", "conv3b")
POOLED = {"conv1b", "conv2b"}


def activations(model, fingerprint: np.ndarray) -> dict[str, np.ndarray]:
    """Return what each convolution answers to a fingerprint, shape (h, w, filters) each."""
    from keras import Model

    outputs = {name: model.get_layer(name).output for name in CONVOLUTIONS}
    answers = Model(model.input, outputs)(np.asarray(fingerprint, np.float32)[None])
    return {name: np.asarray(answer)[0] for name, answer in answers.items()}


def most_active(activity: np.ndarray, number: int = 4) -> list[int]:
    """Return the filters that answered most in sum, the most active first."""
    return np.argsort(-activity.sum(axis=(0, 1)))[:number].tolist()


def response_map(
    model, answers: dict[str, np.ndarray], layer: str, filters: list[int]
) -> np.ndarray:
    """Project the greatest answer of each of some filters back to the fingerprint.

    Parameters
    ----------
    model
        The network.
    answers
        What `activations` returned.
    layer
        Name of the convolution.
    filters
        Which of its filters; the answers of all others are left out.

    Returns
    -------
    numpy.ndarray
        Shape (64, 64, 3), float32 in [0, 1]: red, green and blue.
    """
    kept = np.zeros_like(answers[layer])
    for each in filters:
        row, column = np.unravel_index(answers[layer][..., each].argmax(), kept.shape[:2])
        kept[row, column, each] = answers[layer][row, column, each]
    for index in range(CONVOLUTIONS.index(layer), 0, -1):
        kept = _strided_back(kept, model.get_layer(CONVOLUTIONS[index]))
        before = CONVOLUTIONS[index - 1]
        if before in POOLED:
            kept = _unpooled(kept, answers[before])
        kept = kept * (answers[before] > 0)
    kept = _strided_back(kept, model.get_layer(CONVOLUTIONS[0]))
    return kept / kept.max() if kept.max() > 0 else kept


def class_response(model, fingerprint: np.ndarray) -> np.ndarray:
    """Return the sum over all filters of the last convolution, shape (64, 64, 3), in [0, 1]."""
    answers = activations(model, fingerprint)
    last = CONVOLUTIONS[-1]
    return response_map(model, answers, last, list(range(answers[last].shape[-1])))


def _strided_back(activity: np.ndarray, layer) -> np.ndarray:
    """Return what could have caused a layer's answers; only positive ones are passed on."""
    from keras import ops

    back = ops.conv_transpose(activity[None], layer.kernel, strides=1, padding="same")
    return np.clip(np.asarray(back)[0], 0, None)


def _unpooled(pooled: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Put pooled values back to where the greatest of each two by two had been."""
    height, width, filters = before.shape
    blocks = before.reshape(height // 2, 2, width // 2, 2, filters)
    greatest = blocks == blocks.max(axis=(1, 3), keepdims=True)
    return (greatest * pooled[:, None, :, None]).reshape(before.shape)

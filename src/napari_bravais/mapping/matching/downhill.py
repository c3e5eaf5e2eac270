"""Downhill to the camera by which known crystals fit patterns best."""

from collections.abc import Callable

import numpy as np

from napari_bravais.mapping.matching.search import Target, View, closer
from napari_bravais.mapping.sphere import detector_directions

#: Directions along the side of a detector by which two cameras are compared.
_SIDE = 8

#: How near the detector can be.
_NEAREST = 0.2


class Downhill:
    """Turns crystals along while the camera is moved.

    Each pattern has a camera of its own; all of them are moved by one offset.
    """

    def __init__(
        self,
        targets: list[Target],
        prepared: np.ndarray,
        cameras: np.ndarray,
        rotations: np.ndarray,
        pulse: Callable[[], None],
        offset: np.ndarray,
    ):
        self._targets, self._pulse = targets, pulse
        self._prepared, self._cameras = prepared, cameras
        # the best offset so far and the orientations there: where the next one begins
        self.worth, self.offset, self._rotations = -np.inf, offset, rotations
        self.correlations = np.zeros(len(targets))

    def search(
        self, worth: Callable[[np.ndarray, np.ndarray], float], step: float, same: float
    ) -> None:
        """Seek the offset at which correlations and the offset itself are worth most.

        The first step is as long as that, and what differs by less than `same` is worth the same.
        """
        from scipy.optimize import minimize

        simplex = self.offset + np.vstack([np.zeros(3), step * np.eye(3)])
        options = {"initial_simplex": simplex, "maxfev": 80, "xatol": 1e-3, "fatol": same}
        minimize(
            lambda offset: -self._tried(offset, worth),
            simplex[0],
            method="Nelder-Mead",
            options=options,
        )

    def _tried(self, offset: np.ndarray, worth: Callable[[np.ndarray, np.ndarray], float]) -> float:
        self._pulse()  # what it raises ends the search
        cameras = self._cameras + offset
        if cameras[:, 2].min() < _NEAREST:
            return worth(np.zeros(len(cameras)), offset)
        correlations, rotations = [], []
        for i, (target, camera) in enumerate(zip(self._targets, cameras, strict=True)):
            turn = turn_between(camera, self._cameras[i] + self.offset)
            view = View.of(self._prepared[i : i + 1], camera)
            found = closer(view, np.array([0]), target, (self._rotations[i] @ turn)[None, None])
            correlations.append(found[0][0])
            rotations.append(found[1][0])
        correlations = np.array(correlations)
        worthy = worth(correlations, offset)
        if worthy > self.worth:
            self.worth, self.offset, self.correlations = worthy, np.array(offset), correlations
            self._rotations = np.array(rotations)
        return worthy


def turn_between(camera: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the rotation that brings a camera's directions nearest to another's, shape (3, 3).

    A pixel that the centre moves away from is seen elsewhere: most of that is a turn.
    """
    from scipy.spatial.transform import Rotation

    own, others = (detector_directions(_SIDE, centre) for centre in (camera, other))
    return Rotation.align_vectors(others, own)[0].as_matrix()

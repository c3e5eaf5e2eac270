"""Where grains meet: by orientation where a map knows it, else by lattice."""

import numpy as np

from napari_bravais.mapping.indexed_map import IndexedMap
from napari_bravais.mapping.phase_map import PhaseMap

Map = PhaseMap | IndexedMap


def at_boundaries(reference: Map, least_grain: int = 5, misorientation: float = 5.0) -> np.ndarray:
    """Find the pixels that touch another grain.

    Parameters
    ----------
    reference
        The map whose grains count: pixels of one phase whose orientations differ by little, or,
        where it knows no orientations, neighbours of one lattice.
    least_grain
        Smaller patches are no grains but single wrong pixels: they make no boundary, else every
        mistake would excuse itself as one.
    misorientation
        Angle from which on two neighbours are of two grains, in degrees.

    Returns
    -------
    numpy.ndarray
        True at boundaries, shape (ny, nx).
    """
    joined = _joined(reference, misorientation)
    grain = _patches(reference.shape, joined)
    large = (np.bincount(grain.ravel()) >= least_grain)[grain]
    boundary = np.zeros(reference.shape, bool)
    for axis in (0, 1):
        first, second = _both_sides(axis)
        meet = (grain[first] != grain[second]) & large[first] & large[second]
        boundary[first] |= meet
        boundary[second] |= meet
    return boundary


def _both_sides(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return what picks the first and the second pixel of all pairs along an axis."""
    rest = [slice(None)] * 2
    first, second = list(rest), list(rest)
    first[axis], second[axis] = slice(None, -1), slice(1, None)
    return tuple(first), tuple(second)


def _joined(reference: Map, misorientation: float) -> list[np.ndarray]:
    """Return, down and across, which neighbours are of one grain."""
    oriented = isinstance(reference, IndexedMap) and reference.rotations is not None
    kind = reference.phase_index if isinstance(reference, IndexedMap) else reference.labels
    joined = []
    for axis in (0, 1):
        first, second = _both_sides(axis)
        same = kind[first] == kind[second]
        if oriented:
            for index, phase in enumerate(reference.phases):
                pairs = same & (kind[first] == index)
                angle = misorientation_angles(
                    reference.rotations[first][pairs],
                    reference.rotations[second][pairs],
                    phase.space_group,
                )
                same[pairs] = angle < misorientation
        joined.append(same)
    return joined


def _patches(shape: tuple[int, int], joined: list[np.ndarray]) -> np.ndarray:
    """Give joined pixels the same number, others different ones, shape (ny, nx)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    number = np.arange(np.prod(shape)).reshape(shape)
    pairs = [
        np.stack([number[first][same], number[second][same]])
        for (first, second), same in zip(map(_both_sides, (0, 1)), joined, strict=True)
    ]
    rows, columns = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(rows.size, bool), (rows, columns)), shape=(number.size,) * 2)
    return connected_components(graph, directed=False)[1].reshape(shape)


def misorientation_angles(
    first: np.ndarray, second: np.ndarray, space_group: int | None
) -> np.ndarray:
    """Return the least angles that turn crystals onto one another, in degrees.

    Parameters
    ----------
    first, second
        Orientations as unit quaternions from sample to crystal, shape (n, 4).
    space_group
        Number of both crystals' space group; None counts no symmetry.
    """
    from napari_bravais.mapping.reflectors import laue_operations

    a, b = first.astype(float), second.astype(float)
    # first times the inverse of second, scalar part first
    scalar = (a * b).sum(axis=-1)
    vector = b[..., :1] * a[..., 1:] - a[..., :1] * b[..., 1:] - np.cross(a[..., 1:], b[..., 1:])
    between = np.concatenate([scalar[..., None], vector], axis=-1)
    operations = np.array([[1.0, 0, 0, 0]])
    if space_group is not None:
        operations = laue_operations(space_group)
    # the scalar part of operation times turn; its sign does not matter
    signs = np.array([1.0, -1, -1, -1])
    largest = np.abs(between @ (operations * signs).T).max(axis=-1)
    return np.degrees(2 * np.arccos(np.clip(largest, 0, 1)))

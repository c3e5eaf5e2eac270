"""Images of the scanned area: those a file stores, or one made from the patterns."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bravais.io.scan import ElectronImage, Scan

if TYPE_CHECKING:
    import h5py

_logger = logging.getLogger(__name__)

# The rows and columns of the detector, as fractions, that make the virtual image: bottom centre,
# where a forward-scatter diode below the phosphor screen sees most contrast between orientations.
_DIODE = (slice(2 / 3, 1), slice(1 / 3, 2 / 3))

# The columns of three such regions, one for each of red, green and blue: grains that look alike
# to one of them differ to another.
_COLOUR_COLUMNS = ((0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1))

#: Names of the images that are made from the patterns.
VIRTUAL, VIRTUAL_COLOUR = "Virtual forward-scatter", "Virtual forward-scatter, colour"

# Percentiles of the virtual image that become black and white, and those of what is usual there:
# black and white are no further from these than these are apart, or dead rows of a scan would
# leave all else white.
_BLACK_WHITE = (0.5, 99.5)
_USUAL = (5, 95)

# Kinds of stored image, the best contrast between grains and phases first.
_KINDS = ("FSE", "BSE", "SE", "SEM")


def forward_scatter_image(scan: Scan) -> ElectronImage:
    """Return the image of the scanned area that best shows its grains and phases.

    Parameters
    ----------
    scan
        The scan.

    Returns
    -------
    ElectronImage
        The forward-scatter image stored in the file, else its backscatter image, else its
        secondary-electron one, else the virtual forward-scatter image.

    Raises
    ------
    ScanError
        If the patterns are needed and cannot be read.
    """
    for kind in _KINDS:
        for image in scan.electron_images:
            if image.name.split()[0] == kind:
                return image
    return virtual_forward_scatter(scan)


def virtual_forward_scatter(scan: Scan) -> ElectronImage:
    """Make a forward-scatter image: each pixel the mean of its pattern's bottom centre.

    Blocks of patterns are read one after another, so that memory stays bounded.

    Parameters
    ----------
    scan
        The scan.

    Returns
    -------
    ElectronImage
        On the map's own grid; 8-bit, shape (ny, nx).

    Raises
    ------
    ScanError
        If the patterns cannot be read.
    """
    return ElectronImage(
        name=VIRTUAL,
        data=_stretched(_diode_means(scan, [_DIODE[1]])[0]),
        step=scan.step,
        virtual=True,
    )


def virtual_colour(scan: Scan) -> ElectronImage:
    """Make a forward-scatter image in colour: the left, middle and right of each pattern's bottom.

    Parameters
    ----------
    scan
        The scan.

    Returns
    -------
    ElectronImage
        On the map's own grid; 8-bit RGB, shape (ny, nx, 3).

    Raises
    ------
    ScanError
        If the patterns cannot be read.
    """
    means = _diode_means(scan, [slice(*columns) for columns in _COLOUR_COLUMNS])
    data = np.stack([_stretched(grey) for grey in means], axis=-1)
    return ElectronImage(name=VIRTUAL_COLOUR, data=data, step=scan.step, virtual=True)


def image_names(scan: Scan) -> list[str]:
    """Return the names of all images of the scanned area: those stored, then the virtual ones."""
    return [*(image.name for image in scan.electron_images), VIRTUAL, VIRTUAL_COLOUR]


def image_named(scan: Scan, name: str) -> ElectronImage:
    """Return one of `image_names`.

    Raises
    ------
    ValueError
        If there is none of that name.
    ScanError
        If the patterns are needed and cannot be read.
    """
    for image in scan.electron_images:
        if image.name == name:
            return image
    make = {VIRTUAL: virtual_forward_scatter, VIRTUAL_COLOUR: virtual_colour}.get(name)
    if make is None:
        raise ValueError(f"{scan.path} has no image {name!r}")
    return make(scan)


def _diode_means(scan: Scan, columns: list[slice]) -> list[np.ndarray]:
    """Average each pattern's bottom over some columns (fractions); it is read once."""
    import dask

    def pixels(part: slice, size: int) -> slice:
        first = int(size * part.start)
        return slice(first, max(first + 1, round(size * part.stop)))

    h, w = scan.signal_shape
    rows = pixels(_DIODE[0], h)
    means = [
        scan.patterns[..., rows, pixels(part, w)].mean(axis=(2, 3), dtype=np.float32)
        for part in columns
    ]
    return list(dask.compute(*means, scheduler="synchronous"))


def _stretched(grey: np.ndarray) -> np.ndarray:
    """Stretch grey levels over 8 bits; a map of one grey level becomes black."""
    finite = grey[np.isfinite(grey)]
    low, dark, bright, high = (
        np.percentile(finite, (_BLACK_WHITE[0], *_USUAL, _BLACK_WHITE[1]))
        if finite.size
        else np.zeros(4)
    )
    if bright > dark:
        low, high = max(low, 2 * dark - bright), min(high, 2 * bright - dark)
    stretched = np.clip((np.nan_to_num(grey, nan=low) - low) / ((high - low) or 1), 0, 1)
    return np.round(255 * stretched).astype(np.uint8)


def stored_images(group: "h5py.Group", scan: Scan, manufacturer: str) -> tuple[ElectronImage, ...]:
    """Return the images that an HDF5 scan stores, placed on its map by the file's own metadata.

    An image that is broken, or that the file does not place on the map, is left out: shown at a
    guessed position it would mislead.

    Parameters
    ----------
    group
        The scan's group.
    scan
        The scan, for its shape and step.
    manufacturer
        The name in the file, lower case.

    Returns
    -------
    tuple of ElectronImage
    """
    find = {
        "oxford instruments": _oxford_images,
        "bruker nano": _bruker_images,
        "edax": _edax_images,
    }.get(manufacturer)
    if find is None:
        return ()
    images = []
    try:
        for name, make in find(group, scan):
            try:
                images.append(make())
            except Exception as error:  # whatever is wrong with it, the scan itself is still good
                _logger.info("%s: left out electron image %r: %s", scan.path, name, error)
    except Exception as error:
        _logger.info("%s: electron images cannot be read: %s", scan.path, error)
    return tuple(images)


_Found = Iterator[tuple[str, Callable[[], ElectronImage]]]


def _oxford_images(group: "h5py.Group", scan: Scan) -> _Found:
    """Flat arrays, all of one shape, under SE, BSE and FSE."""
    header = group["Electron Image/Header"]
    shape = int(_number(header, "Y Cells")), int(_number(header, "X Cells"))
    for kind in ("FSE", "BSE", "SE"):
        for name, dataset in group.get(f"Electron Image/Data/{kind}", {}).items():
            title = f"{kind} {name}"

            def make(dataset: Any = dataset, title: str = title) -> ElectronImage:
                values = dataset[()]
                data = values.reshape((*shape, 3) if values.size == 3 * np.prod(shape) else shape)
                return _oxford_placed(title, data, group, scan)

            yield title, make


def _oxford_placed(name: str, data: np.ndarray, group: "h5py.Group", scan: Scan) -> ElectronImage:
    """Place an image by the map's bounding box in it, in fractions of its sides (from version 3).

    The fractions are better than the image's own step: that one knows nothing of the tilt.
    """
    header = group["EBSD/Header"]
    if "Relative Offset" not in header or "Relative Size" not in header:
        image_header = group["Electron Image/Header"]
        own_step = tuple(_number(image_header, f"{axis} Step") for axis in "YX")
        return _over_the_map(name, data, scan, own_step)
    offset_x, offset_y = np.ravel(header["Relative Offset"][()])[:2]
    width, height = np.ravel(header["Relative Size"][()])[:2]
    extent = np.multiply(scan.navigation_shape, scan.step)
    size = extent / (height, width)  # of the whole image, in the scan's unit
    return _placed(name, data, scan, size, corner=-size * (offset_y, offset_x))


def _bruker_images(group: "h5py.Group", scan: Scan) -> _Found:
    """One image, in one of three places; beam positions are in its pixels."""
    places = ("EBSD/Header/SEM Image", "SEM/SEM Image", "EBSD/SEM/SEM Image")
    place = next((place for place in places if place in group), None)
    if place is None:
        return

    def make() -> ElectronImage:
        return _bruker_placed("SEM", _grey(group[place][()]), group, scan)

    yield place, make


def _bruker_placed(name: str, data: np.ndarray, group: "h5py.Group", scan: Scan) -> ElectronImage:
    """Place an image by where in it the beam stood for each pattern."""
    ny, nx = scan.navigation_shape
    beams = [
        np.unique(np.ravel(group[f"EBSD/Data/{axis} BEAM"][()]).astype(float))
        if f"EBSD/Data/{axis} BEAM" in group
        else np.empty(0)
        for axis in "YX"
    ]
    if min(ny, nx) < 2 or (beams[0].size, beams[1].size) != (ny, nx):
        return _over_the_map(name, data, scan)
    # Image pixels a map pixel: the beam's positions are whole numbers, so by their full span.
    pitch = np.array([np.ptp(beam) / (beam.size - 1) for beam in beams])
    step = np.array(scan.step) / pitch
    first = np.array([beam[0] for beam in beams])
    return ElectronImage(name, data, tuple(step.tolist()), tuple((-first * step).tolist()))


def _edax_images(group: "h5py.Group", scan: Scan) -> _Found:
    """Images of the area; what EDAX says of their place is nowhere documented, so not used."""
    for name, dataset in group["SEM-PRIAS Images/Data"].items():
        title = name if name.split()[0] in _KINDS else f"SEM {name}"

        def make(dataset: Any = dataset, title: str = title) -> ElectronImage:
            return _over_the_map(title, _grey(dataset[()]), scan)

        yield title, make


def _placed(
    name: str, data: np.ndarray, scan: Scan, size: np.ndarray, corner: np.ndarray
) -> ElectronImage:
    """Place an image by its size and its outer corner relative to the map's, both (y, x)."""
    step = size / data.shape[:2]
    if not (np.isfinite(step).all() and np.isfinite(corner).all() and step.min() > 0):
        raise ValueError("its place on the map makes no sense")
    offset = corner + (step - scan.step) / 2  # between centres of first pixels
    return ElectronImage(name, data, tuple(step.tolist()), tuple(offset.tolist()))


def _over_the_map(
    name: str, data: np.ndarray, scan: Scan, own_step: tuple[float, float] | None = None
) -> ElectronImage:
    """Lay an image over the whole map, if its grid or its size in micrometres is the map's."""
    extent = np.multiply(scan.navigation_shape, scan.step)
    same_grid = data.shape[:2] == scan.navigation_shape
    own_size = np.multiply(data.shape[:2], own_step or (np.nan, np.nan))
    if not same_grid and not np.all(np.abs(own_size - extent) <= scan.step):
        raise ValueError("the file does not say where on the map it lies")
    return _placed(name, data, scan, extent, np.zeros(2))


def _grey(data: np.ndarray) -> np.ndarray:
    """Take one channel of a grey image stored as RGB; check that it is an image."""
    if data.ndim == 3 and data.shape[2] == 3 and np.ptp(data, axis=2).max() == 0:
        data = data[..., 0]
    if data.size == 0 or not (data.ndim == 2 or (data.ndim == 3 and data.shape[2] == 3)):
        raise ValueError(f"its array is of shape {data.shape}")
    return data


def _number(group: "h5py.Group", key: str) -> float:
    return float(np.ravel(group[key][()])[0])


def read_image(path: Path) -> np.ndarray:
    """Read an image of the area from a file of its own.

    Parameters
    ----------
    path
        TIFF, PNG or what else imageio reads.

    Returns
    -------
    numpy.ndarray
        Grey, shape (rows, columns), or RGB, shape (rows, columns, 3).

    Raises
    ------
    ValueError
        If the file holds no single image.
    OSError
        If it cannot be read.
    """
    import imageio.v3 as iio

    data = np.asarray(iio.imread(path))
    if data.ndim == 3 and data.shape[2] == 4:
        data = data[..., :3]  # without transparency
    if data.ndim == 3 and data.shape[2] == 2:
        data = data[..., 0]
    return _grey(data)


def resampled(
    image: ElectronImage, affine: np.ndarray, shape: tuple[int, int], step: tuple[float, float]
) -> ElectronImage:
    """Return an image that was moved by hand as it lies on the map.

    Parameters
    ----------
    image
        The image.
    affine
        What was done to it, in the scan's unit: matrix of shape (3, 3) for (y, x, 1).
    shape
        Rows and columns of the map.
    step
        Step (y, x) of the map.

    Returns
    -------
    ElectronImage
        Over the whole map, about as fine as the image; black where the image does not reach.
    """
    from scipy.ndimage import affine_transform

    fineness = max(1, round(max(np.divide(step, image.step))))
    fineness = min(fineness, max(1, 4096 // max(shape)))
    fine_step = np.divide(step, fineness)
    offset = (fine_step - step) / 2

    def placed(scale, shift) -> np.ndarray:
        return np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]], [0, 0, 1]])

    # from the new image's pixels to the scan's unit, to the image before it was moved, to pixels
    matrix = (
        np.linalg.inv(placed(image.step, image.offset))
        @ np.linalg.inv(affine)
        @ placed(fine_step, offset)
    )
    size = tuple(fineness * length for length in shape)
    channels = image.data if image.data.ndim == 3 else image.data[..., None]
    moved = [
        affine_transform(channels[..., index], matrix, output_shape=size, order=1)
        for index in range(channels.shape[2])
    ]
    data = moved[0] if image.data.ndim == 2 else np.stack(moved, axis=-1)
    return ElectronImage(
        image.name, data, tuple(fine_step.tolist()), tuple(offset.tolist()), image.virtual
    )

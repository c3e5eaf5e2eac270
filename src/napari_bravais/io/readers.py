"""Binary scans and images: one function a format, each from path to ``Scan``."""

import re
from pathlib import Path

import numpy as np

from napari_bravais.io.scan import Scan, ScanError
from napari_bravais.io.stored import (
    BinaryPatterns,
    ImagePatterns,
    background_shown,
    read_grey_image,
)

IMAGE_SUFFIXES = (".tif", ".tiff", ".bmp", ".png", ".jpg", ".jpeg")

# No detector has more pixels along a side: a header that says so is no header.
_MOST_PIXELS = 2**14

# Map column and row in an image's name: kikuchipy's two conventions.
IMAGE_POSITIONS = (re.compile(r"_x(\d+)y(\d+)$"), re.compile(r"-(\d+)-(\d+)$"))


def read_edax_binary(path: Path) -> Scan:
    """Read an EDAX ``.up1`` or ``.up2`` file.

    Version 1 of the format does not say the map's shape: all patterns are in one row then.
    """
    from kikuchipy.io.plugins.edax_binary._api import EDAXBinaryFileReader

    with path.open("rb") as file:
        reader = EDAXBinaryFileReader(file)
        header = reader.read_header()
    if max(header["sx"], header["sy"]) > _MOST_PIXELS:
        raise ScanError(
            f"{path} is damaged or not an EDAX file: its header tells of patterns of "
            f"{header['sy']} x {header['sx']} pixels"
        )
    if header["is_hex"]:
        raise ScanError(f"{path} has a hexagonal grid; only rectangular grids are supported")
    navigation_shape = header["ny"], header["nx"]
    patterns = _records_of(
        path,
        navigation_shape,
        (header["sy"], header["sx"]),
        np.dtype(reader.dtype),
        header["pattern_offset"],
        whole=reader.version == 1,
    )
    has_step = reader.version != 1 and header["dx"] > 0
    step = (float(header["dy"]) or 1.0, float(header["dx"])) if has_step else (1.0, 1.0)
    return Scan(
        patterns=patterns.lazy(),
        step=step,
        step_unit="um" if has_step else "px",
        detector=None,
        beam_energy=None,
        path=path,
    )


def read_oxford_binary(path: Path) -> Scan:
    """Read an Oxford Instruments ``.ebsp`` file.

    Where it stores non-indexed patterns alone their positions mean nothing: they are in one row.
    """
    from kikuchipy.io.plugins.oxford_binary._api import OxfordBinaryFileReader

    with path.open("rb") as file:
        try:
            reader = OxfordBinaryFileReader(file)
        except NotImplementedError as error:
            raise ScanError(
                f"{path} holds compressed patterns; export them uncompressed"
            ) from error
    order = reader.pattern_order[reader.pattern_is_present]
    shape = reader.navigation_shape
    if np.prod(shape) != order.size:
        raise ScanError(
            f"{path} is not a rectangular map: it holds {order.size} patterns on a grid of "
            f"{shape[0]} rows and {shape[1]} columns"
        )
    has_step = len(shape) == 2
    patterns = BinaryPatterns(
        path,
        shape if has_step else (1, *shape),
        reader.memmap.dtype,
        reader.memmap.offset,
        order,
    )
    step = float(abs(reader.step_sizes[0])) if has_step else 1.0
    return Scan(
        patterns=patterns.lazy(),
        step=(step, step),
        step_unit="um" if has_step else "px",
        detector=None,
        beam_energy=None,
        path=path,
    )


def read_nordif(path: Path) -> Scan:
    """Read a NORDIF ``.dat`` file with the ``Setting.txt`` that lies beside it."""
    from kikuchipy.detectors import EBSDDetector
    from kikuchipy.io.plugins.nordif._api import _get_settings_from_file

    setting = path.with_name("Setting.txt")
    if not setting.is_file():
        raise ScanError(f"{path} has no Setting.txt beside it, which says the scan's shape")
    metadata, _, size, detector = _get_settings_from_file(str(setting))
    patterns = _records_of(
        path, (size["ny"], size["nx"]), (size["sy"], size["sx"]), np.dtype("uint8"), 0
    ).lazy()
    background = path.with_name("Background acquisition pattern.bmp")
    return Scan(
        patterns=patterns,
        step=(size["step_y"], size["step_x"]),
        step_unit="um",
        detector=EBSDDetector(**detector),
        beam_energy=metadata["Acquisition_instrument"]["SEM"]["beam_energy"] or None,
        path=path,
        static_background=background_shown(
            patterns, read_grey_image(background) if background.is_file() else None
        ),
    )


def read_image_directory(path: Path) -> Scan:
    """Read a directory of images, one a pattern, whose names end in their column and row.

    The names are as kikuchipy's: ``pattern_x5y10.tif`` or ``pattern-5-10.tif`` for column 5 and
    row 10. Files whose names carry no position are other images, and left out; where none does, all
    are patterns, in one row by their names: 9 before 10.
    """
    images = [file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise ScanError(f"{path} is not a scan: the directory holds no images of patterns")
    placed = _image_positions(images) or {
        (0, column): image for column, image in enumerate(sorted(images, key=_natural_order))
    }
    rows, columns = sorted({row for row, _ in placed}), sorted({column for _, column in placed})
    missing = len(rows) * len(columns) - len(placed)
    if missing:
        raise ScanError(
            f"{path} is not a rectangular map: {missing} of {len(rows)} x {len(columns)} "
            f"images are missing"
        )
    files = [placed[position] for position in sorted(placed)]
    return _scan_of_images(path, files, (len(rows), len(columns)))


def read_image(path: Path) -> Scan:
    """Read an image of one pattern as a scan of one pixel."""
    return _scan_of_images(path, [path], (1, 1))


def _scan_of_images(path: Path, files: list[Path], shape: tuple[int, int]) -> Scan:
    first = read_grey_image(files[0])
    shape = (*shape, *first.shape)
    return Scan(
        patterns=ImagePatterns(path, shape, first.dtype, files).lazy(),
        step=(1.0, 1.0),
        step_unit="px",
        detector=None,
        beam_energy=None,
        path=path,
    )


def _natural_order(image: Path) -> list[tuple[str, int]]:
    parts = re.findall(r"(\D*)(\d*)", image.stem)
    return [(text, int(number or -1)) for text, number in parts]


def _image_positions(images: list[Path]) -> dict[tuple[int, int], Path]:
    """Map (row, column) to image, by the convention that the most names follow."""
    best: dict[tuple[int, int], Path] = {}
    for convention in IMAGE_POSITIONS:
        placed: dict[tuple[int, int], Path] = {}
        for image in images:
            if match := convention.search(image.stem):
                column, row = map(int, match.groups())
                if other := placed.get((row, column)):
                    raise ScanError(
                        f"{image.parent} holds two images at column {column} and row {row}: "
                        f"{other.name} and {image.name}"
                    )
                placed[row, column] = image
        best = max(best, placed, key=len)
    return best


def _records_of(
    path: Path,
    navigation_shape: tuple[int, int],
    signal_shape: tuple[int, int],
    dtype: np.dtype,
    offset: int,
    *,
    whole: bool = False,
) -> BinaryPatterns:
    """Return the patterns of a file, after a look at whether it holds as many as it says.

    ``whole`` says that the number of patterns was worked out from the file's size, and that
    nothing may be left over.
    """
    count = int(np.prod(navigation_shape, dtype=object))
    need = offset + count * int(np.prod(signal_shape, dtype=object)) * dtype.itemsize
    size = path.stat().st_size
    if whole and size != need:
        raise ScanError(f"{path} is truncated or damaged: its last pattern is not whole")
    if size < need:
        ny, nx = navigation_shape
        raise ScanError(
            f"{path} is truncated or damaged: {ny} x {nx} patterns of {signal_shape[0]} x "
            f"{signal_shape[1]} pixels take {need} bytes, but it has {size}"
        )
    record = np.dtype([("pattern", dtype, signal_shape)])
    return BinaryPatterns(path, navigation_shape, record, offset)

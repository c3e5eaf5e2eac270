"""Where the sample scans lie: one that ships with this package, and one that kikuchipy ships."""

from importlib.util import find_spec
from pathlib import Path

from napari_bravais.io.scan import ScanError


def quartz_rutile_sample_path() -> Path:
    """Return the path of the simulated scan of rutile needles in quartz.

    Its ground truth, ``quartz_rutile_truth.tif``, lies beside it.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ScanError
        If the installation lacks the sample data.
    """
    # In a source checkout, above src/; in an installed wheel, in the data package beside ours.
    package = Path(__file__).resolve().parents[1]
    folders = (
        package.parents[1] / "sample_data",
        package.parent / "napari_bravais_data" / "sample_data",
    )
    for folder in folders:
        if (path := folder / "quartz_rutile.h5").is_file():
            return path
    raise ScanError(f"quartz_rutile.h5 does not exist in {folders[0]} or {folders[1]}")


def nickel_sample_path() -> Path:
    """Return the path of the real nickel scan, 3 x 3 patterns, that kikuchipy ships.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ScanError
        If kikuchipy is not installed, or without its data.
    """
    spec = find_spec("kikuchipy")  # finds it without the seconds that importing it takes
    if spec is None or spec.origin is None:
        raise ScanError("kikuchipy, which holds the nickel scan, is not installed")
    path = Path(spec.origin).parent / "data" / "kikuchipy_h5ebsd" / "patterns.h5"
    if not path.is_file():
        raise ScanError(f"{path}, kikuchipy's nickel scan, does not exist")
    return path

"""What the window is told of a scan and its images."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_bravais.io.scan import ElectronImage, Scan


def description(scan: "Scan", image: "ElectronImage") -> dict[str, Any]:
    """Return what the window shows of a scan, JSON-able."""
    from napari_bravais.io.electron_image import image_names

    return {
        "path": str(scan.path),
        "navigation_shape": scan.navigation_shape,
        "signal_shape": scan.signal_shape,
        "step": scan.step,
        "step_unit": scan.step_unit,
        "beam_energy": scan.beam_energy,
        "detector": _detector_text(scan),
        "pattern_centre": scan.pattern_centre,
        "chunks": scan.patterns.chunksize[:2],
        "provenance": scan.provenance,
        "image": image_facts(image),
        "images": image_names(scan),
    }


def image_facts(image: "ElectronImage") -> dict[str, Any]:
    """Return what the window shows of an image beside its pixels, JSON-able."""
    return {
        "name": image.name,
        "step": image.step,
        "offset": image.offset,
        "virtual": image.virtual,
    }


def _detector_text(scan: "Scan") -> str | None:
    """Return the pattern centre and tilt in a line."""
    if scan.detector is None:
        return None
    centre = "not stored"
    if scan.pattern_centre is not None:
        centre = f"({', '.join(f'{value:.3f}' for value in scan.pattern_centre)})"
    return f"pattern centre {centre}, sample tilt {scan.detector.sample_tilt:g}°"

"""What a scan holds, in words."""

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.phase_map import percentage, written_unit

#: Keys of the provenance that stand in lines of their own, or in none.
_TOLD = {"file", "format", "size_bytes", "modified", "reader"}


def facts_of(scan: Scan) -> dict[str, str]:
    """Return what a scan holds, by title.

    Parameters
    ----------
    scan
        The scan; its patterns are not read.
    """
    about, chunks = scan.provenance, scan.patterns.chunksize
    size, energy = about.get("size_bytes"), scan.beam_energy
    facts = {
        "File": f"{scan.path}" + (f", {size / 1e6:,.1f} MB" if size else ""),
        "Format": f"{about.get('format', 'unknown')}, read by {about.get('reader', 'unknown')}",
        "Map": _map(scan),
        "Patterns": "{} x {} pixels, {}".format(*scan.signal_shape, scan.patterns.dtype),
        "Chunks": f"{chunks[0]} x {chunks[1]} patterns are read at once",
        "Beam energy": "the file does not say" if energy is None else f"{energy:g} keV",
        **_detector(scan),
        "Static background": "none" if scan.static_background is None else "stored, divided out",
        "Electron images": _images(scan),
        "Map in the file": _vendor_map(scan),
    }
    more = {key: value for key, value in about.items() if key not in _TOLD}
    return facts | {key.replace("_", " ").capitalize(): _text(more[key]) for key in more}


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _map(scan: Scan) -> str:
    (rows, columns), unit = scan.navigation_shape, written_unit(scan.step_unit)
    text = f"{rows} x {columns} = {rows * columns:,} patterns"
    if scan.step_unit == "px":
        return f"{text}, step unknown"
    height, width = rows * scan.step[0], columns * scan.step[1]
    step = " x ".join(f"{length:g}" for length in dict.fromkeys(scan.step))
    return f"{text}, step {step} {unit}, {height:g} x {width:g} {unit}"


def _detector(scan: Scan) -> dict[str, str]:
    detector = scan.detector
    if detector is None:
        return {"Detector": "the file does not say"}
    centre = "not stored"
    if scan.pattern_centre is not None:
        varied = " (mean)" if detector.navigation_size > 1 else ""
        x, y, z = scan.pattern_centre
        centre = f"{x:.4f}, {y:.4f}, {z:.4f} in Bruker's convention{varied}"
    binning = "" if detector.binning == 1 else f", binning {detector.binning:g}"
    return {
        "Pattern centre": centre,
        "Detector": f"tilt {detector.tilt:g}°, azimuth {detector.azimuthal:g}°, sample tilt "
        f"{detector.sample_tilt:g}°{binning}",
    }


def _images(scan: Scan) -> str:
    named = [
        "{} ({} x {})".format(image.name, *image.data.shape[:2]) for image in scan.electron_images
    ]
    return ", ".join(named) or "none stored; virtual forward-scatter images can be made"


def _vendor_map(scan: Scan) -> str:
    """Say which phases the file's own map names, largest first."""
    from napari_bravais.io.vendor_maps import stored_map

    found = stored_map(scan.path)
    if found is None:
        return "none"
    shares = [
        f"{'not indexed' if phase is None else phase.name} {percentage(share)}"
        for phase, pixels, share in found.phase_fractions()
        if pixels
    ]
    return f"{found.source}: {', '.join(shares)}"

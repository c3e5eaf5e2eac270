"""Damaged scans of every format, made from a seed."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import imageio.v3 as iio
import numpy as np

#: What damaged files say instead of a number.
_NONSENSE = [
    b"",
    np.bytes_(b"\xff\xfe\x01"),
    "naïve ☃",
    0,
    -1,
    2**31 - 1,
    2**62,
    np.nan,
    np.inf,
    -np.inf,
    [],
    [[1, 2], [3, 4]],
    np.zeros((0, 3)),
]


def intact_scans(folder: Path, kikuchipy_data: Path) -> dict[str, Path]:
    """Write a small intact scan of each format; return their paths by the format's name."""
    from kikuchipy.data._dummy_files.bruker_h5ebsd import create_dummy_bruker_h5ebsd_file
    from kikuchipy.data._dummy_files.oxford_h5ebsd import create_dummy_oxford_h5ebsd_file

    create_dummy_bruker_h5ebsd_file(folder / "bruker.h5")
    create_dummy_oxford_h5ebsd_file(folder / "oxford.h5oina")
    copied = {
        "kikuchipy": "kikuchipy_h5ebsd/patterns.h5",
        "edax": "edax_h5ebsd/patterns.h5",
        "emsoft": "emsoft_ebsd/simulated_ebsd.h5",
        "up1": "edax_binary/edax_binary.up1",
        "ebsp": "oxford_binary/patterns.ebsp",
    }
    for name, source in copied.items():
        shutil.copy(kikuchipy_data / source, folder / f"{name}{Path(source).suffix}")
    scans = {name: folder / f"{name}{Path(source).suffix}" for name, source in copied.items()}
    (folder / "nordif").mkdir()
    for name in ("Pattern.dat", "Setting.txt"):
        shutil.copy(kikuchipy_data / "nordif" / name, folder / "nordif")
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    for y, x in np.ndindex(3, 2):
        image = rng.integers(0, 255, (20, 20), dtype=np.uint8)
        iio.imwrite(folder / "images" / f"p_x{x}y{y}.{'png' if x else 'tif'}", image)
    header = np.array([3, 60, 60, 42], "<u4").tobytes() + b"\0" + np.array([3, 3], "<u4").tobytes()
    patterns = rng.integers(0, 9999, (9, 60, 60), dtype=np.uint16)
    content = header + b"\0" + np.array([0.5, 0.25]).tobytes() + patterns.tobytes()
    (folder / "scan.up2").write_bytes(content)
    return {
        **scans,
        "bruker": folder / "bruker.h5",
        "oxford": folder / "oxford.h5oina",
        "up2": folder / "scan.up2",
        "nordif": folder / "nordif" / "Pattern.dat",
        "images": folder / "images",
    }


def damaged_scans(intact: Path, folder: Path, seed: int, times: int) -> Iterator[tuple[str, Path]]:
    """Yield damaged copies of a scan, one after the other, each with what was done to it.

    Parameters
    ----------
    intact
        The scan.
    folder
        Where to; each copy replaces the one before.
    seed
        Where chance begins.
    times
        How often each kind of damage is done.
    """
    rng = random.Random(f"{seed} {intact.name}")
    kinds = [_truncate, _flip_bits, _overwrite, _blank, _insert]
    if h5py.is_hdf5(intact):
        kinds += [_delete_object, _replace_value, _replace_value, _replace_patterns]
    if intact.name == "Pattern.dat":
        kinds += [_garble_settings] * 2
    for _ in range(times):
        for kind in kinds:
            target = folder / ("damaged" if intact.is_dir() else "damaged" + intact.suffix)
            if target.is_dir():
                shutil.rmtree(target)
            if intact.is_dir():
                shutil.copytree(intact, target)
            else:
                shutil.copy(intact, target)
            if intact.name == "Pattern.dat":
                shutil.copy(intact.with_name("Setting.txt"), folder)
            file = rng.choice(sorted(target.iterdir())) if target.is_dir() else target
            yield f"{kind.__name__} {kind(file, rng)}", target


def _on_bytes(change: Callable) -> Callable:
    """Make a kind of damage of a function that changes the bytes of a file."""

    def damage(file: Path, rng: random.Random) -> str:
        content = bytearray(file.read_bytes())
        # half of the time among the first bytes, where headers are
        length = len(content) if rng.random() < 0.5 else min(len(content), 4096)
        said = change(content, rng, length)
        file.write_bytes(content)
        return said

    damage.__name__ = change.__name__
    return damage


@_on_bytes
def _truncate(content, rng, length):
    kept = rng.randrange(length)
    del content[kept:]
    return f"to {kept} bytes"


@_on_bytes
def _flip_bits(content, rng, length):
    places = [rng.randrange(length) for _ in range(rng.choice((1, 1, 3, 30)))]
    for place in places:
        content[place] ^= 1 << rng.randrange(8)
    return f"at {places}"


@_on_bytes
def _overwrite(content, rng, length):
    start, count = rng.randrange(length), rng.choice((1, 4, 8, 64, 1000))
    content[start : start + count] = rng.randbytes(count)
    return f"{count} bytes at {start}"


@_on_bytes
def _blank(content, rng, length):
    start, count = rng.randrange(length), rng.choice((4, 8, 512, 5000))
    content[start : start + count] = rng.choice((b"\0", b"\xff")) * count
    return f"{count} bytes at {start}"


@_on_bytes
def _insert(content, rng, length):
    start = rng.randrange(length)
    content[start:start] = rng.randbytes(rng.choice((1, 7, 100)))
    return f"at {start}"


def _objects(file: h5py.File) -> list[str]:
    names = []
    file.visit(names.append)
    return names


def _delete_object(file, rng):
    with h5py.File(file, "r+") as opened:
        name = rng.choice(_objects(opened))
        del opened[name]
    return name


def _replace_value(file, rng):
    with h5py.File(file, "r+") as opened:
        small = [
            name
            for name in _objects(opened)
            if isinstance(opened[name], h5py.Dataset) and opened[name].size <= 9
        ]
        name, value = rng.choice(small), rng.choice(_NONSENSE)
        del opened[name]
        opened[name] = value
    return f"{name} by {value!r}"


def _replace_patterns(file, rng):
    with h5py.File(file, "r+") as opened:
        names = [
            name
            for name in _objects(opened)
            if isinstance(opened[name], h5py.Dataset) and opened[name].ndim >= 3
        ]
        name = rng.choice(names)
        old = opened[name][()]
        new = rng.choice(
            [
                old.astype(complex),
                old.astype("S3"),
                old.astype(bool),
                old.ravel(),
                old[:-1],
                old[..., :-1],
                old[:0],
                np.full(old.shape, np.nan),
                np.full(old.shape, np.inf, np.float32),
                np.full(old.shape, 1e308),
                np.zeros_like(old),
            ]
        )
        del opened[name]
        opened[name] = new
    return f"{name} by {new.dtype} of shape {new.shape}"


def _garble_settings(file, rng):
    settings = file.with_name("Setting.txt")
    lines = settings.read_bytes().splitlines(keepends=True)
    place = rng.randrange(len(lines))
    words = lines[place].split(b"\t")
    words[rng.randrange(len(words))] = rng.choice(
        [b"", b"-1", b"0", b"99999999999", b"nan", b"1e400", b"\xff\xfe", b"12x34x56"]
    )
    lines[place] = b"\t".join(words)
    settings.write_bytes(b"".join(lines))
    return f"line {place} to {lines[place]!r}"

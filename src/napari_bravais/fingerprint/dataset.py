"""The set of pristine fingerprints that the network learns from."""

import json
from pathlib import Path

import numpy as np

from napari_bravais.fingerprint.classes import CLASS_OF_SPACE_GROUP
from napari_bravais.fingerprint.cluster import fingerprint
from napari_bravais.fingerprint.diffraction import SIZE
from napari_bravais.fingerprint.prototypes import solids
from napari_bravais.io.files import replacing

#: Structures of the whole set, and the seed they are drawn with.
NUMBER, SEED = 10_000, 2018

#: Structures that are made and kept together; the space groups, in turn, fill it evenly.
PART = 400


def make_dataset(folder: Path, number: int = NUMBER, seed: int = SEED) -> None:
    """Make fingerprints and their classes; what was broken off goes on after its last part.

    Parameters
    ----------
    folder
        Where ``fingerprints.npy`` (number, 64, 64, 3), float16, ``classes.npy`` (number,), and
        ``set.json``, which says what it is, are written.
    number
        How many structures.
    seed
        The same seed gives the same set.
    """
    from tqdm import tqdm

    starts = range(0, number, PART)
    parts = [folder / f"part-{number}-{seed}-{start}.npz" for start in starts]
    folder.mkdir(parents=True, exist_ok=True)
    for start, part in zip(tqdm(starts, unit=" parts"), parts, strict=True):
        if not part.exists():
            _make_part(part, min(PART, number - start), [seed, start])
    groups, elements = [], set()
    with replacing(folder / "fingerprints.npy") as temporary:
        shape = (number, SIZE, SIZE, 3)
        images = np.lib.format.open_memmap(temporary, "w+", np.float16, shape)
        for start, part in zip(starts, parts, strict=True):
            with np.load(part) as found:
                images[start : start + PART] = found["images"]
                groups += found["groups"].tolist()
                elements.update(found["elements"].tolist())
        images.flush()
    np.save(folder / "classes.npy", [CLASS_OF_SPACE_GROUP[group].index for group in groups])
    facts = {"number": number, "seed": seed, "elements": len(elements)}
    facts["space_groups"] = {str(group): groups.count(group) for group in sorted(set(groups))}
    (folder / "set.json").write_text(json.dumps(facts, indent=1) + "\n")
    for part in parts:
        part.unlink()


def _make_part(path: Path, number: int, seed: list[int]) -> None:
    """Write fingerprints, space groups and elements of some structures."""
    every = list(solids(number, seed))
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            images=np.array([fingerprint(solid.atoms) for solid in every], np.float16),
            groups=[solid.space_group for solid in every],
            elements=[solid.atoms.numbers[0] for solid in every],
        )


def open_dataset(folder: Path) -> tuple[np.ndarray, np.ndarray, dict]:
    """Return fingerprints (on disk), classes and facts of a set that `make_dataset` made.

    Raises
    ------
    OSError
        If it is not there.
    """
    images = np.load(folder / "fingerprints.npy", mmap_mode="r")
    facts = json.loads((folder / "set.json").read_text())
    return images, np.load(folder / "classes.npy"), facts


def split(number: int, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the 90 % that are trained on and of the 10 % held back, each sorted."""
    order = np.random.default_rng(seed).permutation(number)
    cut = round(0.9 * number)
    return np.sort(order[:cut]), np.sort(order[cut:])

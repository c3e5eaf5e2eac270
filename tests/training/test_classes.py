import json
from contextlib import suppress
from functools import partial

import keras
import numpy as np
import pytest

from napari_bravais.model.classifier import BUNDLED
from napari_bravais.training import point_groups, recipe
from napari_bravais.training.classes import ClassError, ClassSet
from napari_bravais.training.recipe import score_by_material, train_by_recipe


def tiny(architecture: str, classes: int) -> keras.Model:
    """Return a network that is made and trained in no time."""
    prepared, camera = keras.Input((80, 80, 1), name="prepared"), keras.Input((4,), name="camera")
    pooled = keras.layers.GlobalAveragePooling2D()(prepared)
    logits = keras.layers.Dense(classes)(keras.layers.Concatenate()([pooled, camera]))
    return keras.Model({"prepared": prepared, "camera": camera}, {"logits": logits})


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["ordered"], "'ordered' does not say a class as NAME=MATERIAL"),
        (["ordered="], "does not say a class"),
        (["a=quartz", "a=rutile"], "a class is named twice: a, a"),
    ],
)
def test_what_says_no_classes_is_refused(texts, said):
    with pytest.raises(ClassError, match=said):
        ClassSet.parse(texts)


def test_a_material_that_is_not_there_is_named(judged_library):
    classes = ClassSet.parse(["mine=quartz, unobtainium"])
    with pytest.raises(ClassError, match="no master pattern at 20 keV of unobtainium"):
        classes.masters(judged_library)


def test_a_network_learns_classes_of_ones_own(judged_library, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "MOST_EPOCHS", 1)  # enough for one that begins with the bundled one
    classes = ClassSet.parse(["mineral=quartz", "oxide=rutile"])
    told = []
    network = train_by_recipe(
        judged_library, classes, tmp_path, each=80, progress=told.append, start=BUNDLED
    )
    assert told[0].startswith("epoch 1: ")
    counts = score_by_material(network, judged_library, classes, 40)
    right = counts["quartz"][0] + counts["rutile"][1]
    assert right > 70  # of 80; 40 by chance, as one from scratch has
    kept = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    patterns, _ = recipe.draw(judged_library, classes.masters(judged_library)[0], 4, seed=9)
    np.testing.assert_allclose(
        kept.predict(patterns, verbose=0), network.predict(patterns, verbose=0), atol=1e-4
    )
    assert json.loads((tmp_path / "classes.json").read_text())["names"] == ["mineral", "oxide"]


def test_a_run_broken_off_goes_on_unless_it_was_of_another_network(
    judged_library, tmp_path, monkeypatch
):
    monkeypatch.setattr(recipe, "MOST_EPOCHS", 2)

    monkeypatch.setattr(recipe, "build_backbone", tiny)

    def epochs(text: str, broken_off_after: int | None = None) -> list[str]:
        told = []

        def note(line):
            told.append(line.split(":")[0])
            if len(told) == broken_off_after:
                raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            train_by_recipe(judged_library, ClassSet.parse(text), tmp_path, each=10, progress=note)
        return told

    one, other = ["a=quartz", "b=rutile"], ["a=quartz", "b=rutile", "c=quartz"]
    assert epochs(one, broken_off_after=1) == ["epoch 1"]
    assert epochs(other, broken_off_after=1) == ["epoch 1"]
    assert epochs(one) == ["epoch 2"]


def test_the_page_of_point_groups_counts_what_each_material_was_called(
    judged_library, tmp_path, monkeypatch
):
    monkeypatch.setattr(recipe, "MOST_EPOCHS", 1)
    pair = ("mineral=quartz", "oxide=rutile")
    monkeypatch.setattr(point_groups, "PAIRS", {"mineral or oxide": (pair, pair)})
    monkeypatch.setattr(recipe, "build_backbone", tiny)
    monkeypatch.setattr(point_groups, "train_by_recipe", partial(train_by_recipe, each=10))
    measured = point_groups.evaluate_point_groups(
        judged_library, tmp_path, each=8, progress=lambda _: None
    )
    text = point_groups.save(measured, tmp_path).read_text("utf-8")
    by_start = measured["pairs"]["mineral or oxide"]
    scratch, bundled = (by_start[start]["blind"]["quartz"] for start in point_groups.STARTS)
    assert sum(scratch) == sum(bundled) == 8
    shares = f"{scratch[0] / 8:.1%} | {bundled[0] / 8:.1%}"
    assert f"| mineral or oxide | quartz | **never seen** | {shares} |" in text
    assert json.loads((tmp_path / "point-groups.json").read_text())["pairs"].keys() == {
        "mineral or oxide"
    }

import numpy as np
import pytest

from napari_bravais.model.lines import SIZE
from napari_bravais.model.network import ARCHITECTURES, FEATURES, build_backbone


@pytest.mark.parametrize(
    ("architecture", "least", "most"),
    # in millions of weights; ResNet50 and Xception have 23.5 and 20.9 without a head
    [("compact", 0.5, 1.0), ("resnet50", 23, 25), ("xception", 20, 22)],
)
def test_every_architecture_answers_for_its_classes(architecture, least, most):
    backbone = build_backbone(architecture, classes=3)
    answer = backbone(np.zeros((2, SIZE, SIZE, 1), np.float32))
    assert answer["logits"].shape == (2, 3) and answer["quality"].shape == (2, 1)
    assert backbone.get_layer(FEATURES).output.shape[1] > 1
    assert least < backbone.count_params() / 1e6 < most


def test_an_unknown_architecture_is_named():
    with pytest.raises(ValueError, match="no architecture 'vgg'; there are compact"):
        build_backbone("vgg")
    assert "compact" in ARCHITECTURES

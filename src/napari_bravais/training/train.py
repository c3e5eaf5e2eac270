"""Training a network."""

import json
import time
from pathlib import Path

import keras
import numpy as np
from threadpoolctl import threadpool_limits

from napari_bravais.io.files import replacing
from napari_bravais.model.backend import device_name
from napari_bravais.model.network import BACKBONE, CRYSTAL, build_backbone
from napari_bravais.training.fused import fused_normalisation
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.optimiser import ConvolutionalMuon
from napari_bravais.training.patterns import NO_CRYSTAL, Exposures, TrainingBatches
from napari_bravais.training.together import ALONE, Team

BATCH_SIZE = 128
BATCHES_PER_EPOCH = 125

#: Batches after which processes that train together take the mean of their weights.
BATCHES_APART = 25

#: Of Muon, for convolutions; AdamW's, for all else, is `ADAM_RATIO` times that. The second is for
#: networks that have been trained before.
PEAK_LEARNING_RATE = 1e-3
LATER_LEARNING_RATE = 5e-4
ADAM_RATIO = 3.0

#: Share of its latest weights in a run's average, after each epoch; the second is for networks that
#: have been trained before, and so change less.
NEWEST_SHARE = 0.1
LATER_NEWEST_SHARE = 0.03

#: Weight of naming the crystal in the loss, against naming its lattice.
CRYSTAL_WEIGHT = 0.5


class Clock(keras.callbacks.Callback):
    """Paces a run by the clock: learning rate, difficulty of the patterns, checkpoints, the end.

    The learning rate warms up and then anneals along a cosine; the noise grows over the first
    third.

    A schedule in time, not in steps, ends well on a machine that other work shares.

    Parameters
    ----------
    folder
        Where the state of the run is kept.
    minutes
        Time for the whole run, all its resumptions counted.
    exposures
        Where the patterns come from.
    fresh
        False if the network has been trained before: then it starts with all of the noise.
    team
        This process and those that train together with it.
    """

    def __init__(
        self,
        folder: Path,
        minutes: float,
        exposures: Exposures,
        fresh: bool,
        team: Team,
    ):
        super().__init__()
        self.fresh = fresh
        self.team = team
        self.agreed = 0.0  # the team's clock, by which all stop at once
        self.exposures = exposures
        self.state = folder / "state.json"
        self.seconds = minutes * 60
        self.log = json.loads(self.state.read_text()) if self.state.exists() else []
        self.before = self.log[-1]["seconds"] if self.log else 0.0
        self.started = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds trained so far, over all resumptions."""
        return self.before + time.monotonic() - self.started

    def on_train_batch_begin(self, batch, logs=None):
        """Set the learning rate and the difficulty."""
        share = min(self.elapsed / self.seconds, 1.0)
        annealed = 0.5 * (1 + np.cos(np.pi * share))
        peak = PEAK_LEARNING_RATE if self.fresh else LATER_LEARNING_RATE
        rate = peak * min(share / 0.02 + 0.02, 1.0) * annealed
        self.model.optimizer.learning_rate = max(rate, 1e-6)
        self.exposures.difficulty = min(0.3 + 2 * share, 1.0) if self.fresh else 1.0

    def on_train_batch_end(self, batch, logs=None):
        """Agree with the other processes on weights."""
        if (batch + 1) % BATCHES_APART == 0 or batch + 1 == BATCHES_PER_EPOCH:
            *weights, self.agreed = self.team.mean([*self.model.get_weights(), self.elapsed])
            self.model.set_weights(weights)

    def on_epoch_end(self, epoch, logs=None):
        """Save everything a resumption needs, and stop when the time is over."""
        if self.agreed >= self.seconds:
            self.model.stop_training = True
        if self.team.leads:
            self._keep(logs)

    def _keep(self, logs):
        shown = BATCH_SIZE * BATCHES_PER_EPOCH * (1 + len(self.team.connections))
        record = {
            "patterns": (self.log[-1]["patterns"] if self.log else 0) + shown,
            "seconds": round(self.elapsed, 1),
            **{name: round(float(value), 4) for name, value in (logs or {}).items()},
        }
        self.log.append(record)
        with replacing(self.state.with_name("checkpoint.keras")) as temporary:
            self.model.save(temporary)
        self._average()
        with replacing(self.state) as temporary:
            temporary.write_text(json.dumps(self.log, indent=0), "utf-8")
        print(json.dumps(record), flush=True)

    def _average(self):
        """Keep the running mean of all weights, which reads better than any of them.

        A high learning rate throws weights about a valley, whose floor is where their mean lies
        (Izmailov et al. 2018, arXiv:1803.05407). Batch normalisation's means are averaged too.
        """
        path = self.state.with_name("averaged.keras")
        mean = keras.models.clone_model(self.model)
        newest = self.model.get_weights()
        if path.exists():
            earlier = keras.saving.load_model(path, compile=False).get_weights()
            least = NEWEST_SHARE if self.fresh else LATER_NEWEST_SHARE
            share = max(least, 1 / len(self.log))
            newest = [e + share * (n - e) for e, n in zip(earlier, newest, strict=True)]
        mean.set_weights(newest)
        with replacing(path) as temporary:
            mean.save(temporary)


def compile_for_training(backbone: keras.Model) -> None:
    """Give a network its losses, metrics and optimiser."""
    backbone.compile(
        optimizer=ConvolutionalMuon(
            PEAK_LEARNING_RATE,
            adam_lr_ratio=ADAM_RATIO,
            weight_decay=1e-2,
            adam_weight_decay=1e-2,
            clipnorm=1.0,
        ),
        loss={
            "logits": keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=NO_CRYSTAL
            ),
            "quality": keras.losses.BinaryCrossentropy(),
            CRYSTAL: keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=NO_CRYSTAL
            ),
        },
        loss_weights={"logits": 1.0, "quality": 1.0, CRYSTAL: CRYSTAL_WEIGHT},
        metrics={"logits": ["accuracy"], CRYSTAL: ["accuracy"]},
        # XLA halves the speed in bfloat16 on a CPU (measured: 196 against 376 patterns/s).
        jit_compile=device_name().startswith("GPU"),
    )


def weighted_layers(backbone: keras.Model) -> dict[int | str, keras.layers.Layer]:
    """Return the layers that have weights: heads by their names, others by their order."""
    layers = [layer for layer in backbone.layers if layer.weights]
    heads = {layer.name: layer for layer in layers if layer.name in backbone.output}
    body = [layer for layer in layers if layer.name not in heads]
    return dict(enumerate(body)) | heads


def crystals_known(backbone: keras.Model) -> dict[str, int]:
    """Return the lattice of each crystal that a network tells apart, in order, by its name."""
    summed = {layer.name: layer for layer in backbone.layers}.get("logits")
    return getattr(summed, "crystals", {})  # a network need not tell crystals apart


def take_weights(backbone: keras.Model, earlier: keras.Model) -> None:
    """Give a network what another of its architecture has learnt.

    Heads too, if they are of the same size; that of crystals by their names, and those that the
    other did not know begin as the mean of those that it knew.
    """
    own, other = weighted_layers(backbone), weighted_layers(earlier)
    if CRYSTAL in own.keys() & other.keys():
        known = list(crystals_known(earlier))
        taken = [
            known.index(name) if name in known else len(known) for name in crystals_known(backbone)
        ]
        own.pop(CRYSTAL).set_weights(
            [
                np.concatenate([weights, weights.mean(axis=-1, keepdims=True)], axis=-1)[..., taken]
                for weights in other[CRYSTAL].get_weights()
            ]
        )
    for name in own.keys() & other.keys():
        if [w.shape for w in own[name].weights] == [w.shape for w in other[name].weights]:
            own[name].set_weights(other[name].get_weights())


def load_backbone(path: str | Path) -> keras.Model:
    """Read the network of a run, or the one inside a model that was exported."""
    model = keras.saving.load_model(path, compile=False)
    exported = BACKBONE in {layer.name for layer in model.layers}
    return model.get_layer(BACKBONE) if exported else model


def train(
    library: MasterLibrary,
    folder: str | Path,
    minutes: float,
    random_share: float = 0.05,
    variant_share: float = 0.5,
    empty_share: float = 0.06,
    start: str | Path | None = None,
    architecture: str = "compact",
    team: Team = ALONE,
    heads_only: bool = False,
) -> Path:
    """Train a network, or go on with a run that was broken off.

    Parameters
    ----------
    library
        Master patterns; only its parts ``"trained"`` and ``"other energy"`` are used.
    folder
        Where the run is kept: ``checkpoint.keras``, the latest weights; ``averaged.keras``, the
        mean of the latest ones; and ``state.json``, its log.
    minutes
        Time for the whole run.
    random_share
        Share of patterns from random crystals.
    variant_share
        Share of the others from variants of the materials' own master patterns.
    empty_share
        Share of exposures without a crystal.
    start
        Checkpoint of another run, or a model that `napari_bravais.training.export.export` wrote,
        whose weights this one starts from.
    architecture
        A key of `napari_bravais.model.network.ARCHITECTURES`.
    team
        This process and those that train the network together with it.
    heads_only
        Leave all but the heads as ``start`` has it: what it sees stays, new crystals get a name.

    Returns
    -------
    pathlib.Path
        The averaged network.

    Raises
    ------
    ValueError
        If the run in the folder was begun with other master patterns.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.keras"
    exposures = Exposures(
        library,
        np.concatenate([library.indices("trained"), library.indices("other energy")]),
        random_share,
        variant_share,
        empty_share,
        seed=time.time_ns(),
    )
    batches = TrainingBatches(exposures, BATCH_SIZE, BATCHES_PER_EPOCH)
    keras.utils.set_random_seed(0)  # processes that train together begin alike
    if checkpoint.exists():
        backbone = keras.saving.load_model(checkpoint)
        if crystals_known(backbone) != batches.lattices:
            raise ValueError(f"{checkpoint}: this run was begun with other master patterns")
    else:
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
        backbone = build_backbone(architecture, crystals=batches.lattices)
        keras.mixed_precision.set_global_policy("float32")
        if start is not None:
            take_weights(backbone, load_backbone(start))
        for layer in backbone.layers:
            layer.trainable = not heads_only or layer.name in backbone.output
        compile_for_training(backbone)
    clock = Clock(folder, minutes, exposures, start is None, team)
    done = len(clock.log)
    # Small matrix products in many BLAS threads wait for one another, longest on a busy machine.
    with threadpool_limits(1, "blas"), fused_normalisation():
        backbone.fit(batches, epochs=10**6, initial_epoch=done, callbacks=[clock], verbose=0)
    return folder / "averaged.keras"

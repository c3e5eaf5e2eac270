"""Maps on a Dask cluster: the same as here, also when a worker is lost."""

import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from napari_bravais import open_scan
from napari_bravais.io.sample_data import quartz_rutile_sample_path
from napari_bravais.io.scan import ScanError
from napari_bravais.mapping import engine
from napari_bravais.mapping.cluster import ClusterError
from napari_bravais.mapping.engine import map_phases
from napari_bravais.mapping.pattern_centre import PatternCentre, with_pattern_centre
from napari_bravais.mapping.store import MapStore

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def scan():
    whole = open_scan(quartz_rutile_sample_path())
    # given by hand: workers must be told it, for their file says another
    return with_pattern_centre(
        replace(whole, patterns=whole.patterns[:12]), PatternCentre(0.45, 0.3, 0.6)
    )


def test_a_worker_lost_in_the_middle_is_survived(tmp_path, monkeypatch, cluster, scan, classifier):
    monkeypatch.setattr(engine, "BLOCK_PATTERNS", 72)
    killed = []

    def kill(done, total):
        if done >= 3 * 72 and not killed:
            with distributed.Client(cluster, set_as_default=False) as client:
                killed.append(min(client.run(os.getpid).values()))
            os.kill(killed[0], signal.SIGKILL)

    path = tmp_path / "map.zarr"
    result = map_phases(scan, classifier, kill, store=path, scheduler=cluster.scheduler_address)
    assert killed
    assert MapStore.open(path, scan, classifier).unfinished == []
    here = map_phases(scan, classifier)
    np.testing.assert_array_equal(result.probabilities, here.probabilities)
    np.testing.assert_array_equal(result.quality, here.quality)


def test_a_scan_that_workers_do_not_find_is_an_error(tmp_path, cluster, scan, classifier):
    elsewhere = replace(scan, path=tmp_path / "none.h5")
    with pytest.raises(ScanError, match=r"none\.h5 does not exist"):
        map_phases(elsewhere, classifier, scheduler=cluster.scheduler_address)


def test_another_file_under_the_same_name_is_an_error(cluster, scan, classifier):
    other = replace(scan, provenance={**scan.provenance, "size_bytes": 1})
    with pytest.raises(ScanError, match="another file on a worker"):
        map_phases(other, classifier, scheduler=cluster.scheduler_address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "no address"])
def test_no_scheduler_is_an_error(monkeypatch, scan, classifier, address):
    monkeypatch.setattr("napari_bravais.mapping.cluster._PATIENCE", 1)
    with pytest.raises(ClusterError, match="no Dask scheduler answers"):
        map_phases(scan, classifier, scheduler=address)

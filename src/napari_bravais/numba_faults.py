"""Ways round two faults of numba's, in force wherever this package was imported first.

Its threads (OpenMP) wait for each other by turning in circles. Where two programs, or a window and
its classifier, share the cores, each is several times slower for that: so they sleep instead,
unless the environment says how they should wait.

numba stores a gufunc, as orix has them, in two files. If these come from different moments of its
count of what it has compiled, or from two processes that ran at once, they do not fit, and calling
the gufunc ends the process (https://github.com/numba/numba/issues/10128). So the second file is
made anew in each process, which takes milliseconds.
"""

import os
from types import ModuleType

import wrapt

os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@wrapt.when_imported("numba.np.ufunc.wrappers")
def _without_cache(wrappers: ModuleType) -> None:
    from numba.core.caching import NullCache

    wrappers.GufWrapperCache = lambda py_func: NullCache()

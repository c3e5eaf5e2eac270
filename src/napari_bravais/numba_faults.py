"""Ways round faults of numba and its users, in force wherever this package was imported first.

Its threads (OpenMP) wait for each other by turning in circles. Where two programs, or a window and
its classifier, share the cores, each is several times slower for that: so they sleep instead,
unless the environment says how they should wait.

numba stores a gufunc, as orix has them, in two files. If these come from different moments of its
count of what it has compiled, or from two processes that ran at once, they do not fit, and calling
the gufunc ends the process (https://github.com/numba/numba/issues/10128). So the second file is
made anew in each process, which takes milliseconds.

PyEBSDIndex, when it is imported, has numba store what it compiles in a folder of the user's, by
the environment, which numba looks at now and then: so the same came to lie there or beside its
source, and was compiled twice, for minutes. It is stored there from the beginning, unless the
environment says where; numba is told so even if it was imported first.
"""

import os
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import wrapt

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
with suppress(RuntimeError):  # a user without a home
    _folder = Path.home() / ".pyebsdindex" / "numbacache"
    os.environ.setdefault("NUMBA_CACHE_DIR", f"{_folder}{os.sep}")


@wrapt.when_imported("numba.core.config")
def _told_where(config: ModuleType) -> None:
    config.reload_config()


@wrapt.when_imported("numba.np.ufunc.wrappers")
def _without_cache(wrappers: ModuleType) -> None:
    from numba.core.caching import NullCache

    wrappers.GufWrapperCache = lambda py_func: NullCache()

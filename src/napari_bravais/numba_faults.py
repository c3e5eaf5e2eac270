"""A way round a fault of numba's, in force wherever this package was imported first.

numba stores a gufunc, as orix has them, in two files. If these come from different moments of its
count of what it has compiled, or from two processes that ran at once, they do not fit, and calling
the gufunc ends the process (https://github.com/numba/numba/issues/10128). So the second file is
made anew in each process, which takes milliseconds.
"""

from types import ModuleType

import wrapt


@wrapt.when_imported("numba.np.ufunc.wrappers")
def _without_cache(wrappers: ModuleType) -> None:
    from numba.core.caching import NullCache

    wrappers.GufWrapperCache = lambda py_func: NullCache()

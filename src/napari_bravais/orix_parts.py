"""What is used of orix, fit to be used on a fresh machine: import them from here.

numba names what it compiles by a count, and stores a gufunc in two files. If these come from
different moments of the count, they do not fit, and calling the gufunc ends the process
(https://github.com/numba/numba/issues/10128). So the second file is made anew in each process,
which takes milliseconds.
"""

import numba.np.ufunc.wrappers
from numba.core.caching import NullCache

numba.np.ufunc.wrappers.GufWrapperCache = lambda py_func: NullCache()

from orix.io import load, save  # noqa: E402
from orix.quaternion import Rotation  # noqa: E402
from orix.vector import Vector3d  # noqa: E402

__all__ = ["Rotation", "Vector3d", "load", "save"]

"""Compile with numba: without the interpreter's lock, and kept on disk.

Where the compiled code is kept is numba's choice, in this order: the folder NUMBA_CACHE_DIR; `__pycache__`
beside the source when that may be written; else the user's own cache folder. Where none can be written
the code is compiled anew in every process. A kept function is compiled again when its own file changes, not when
a file it calls into does: therefore a file carries the hashes of the others its kernels call into.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def inner(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function compiled into the kernels of its file that call it."""
    return cast("Callable[P, R]", numba.njit(nogil=True, error_model="numpy")(function))


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function compiled on its first call, or read from the cache on disk."""
    try:
        made = numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # "no locator available": no folder can be written
        made = numba.njit(nogil=True, error_model="numpy")(function)
    return cast("Callable[P, R]", made)

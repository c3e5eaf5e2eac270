"""Python's search for garbage without a look at all that stays: that is a quarter of a second."""

import gc


def leave_alone_what_lives() -> None:
    """Collect all garbage now, and search none of what is left for any from now on.

    napari and what it imports are half a million objects. Python looks at all of them whenever a
    quarter as many are new, and napari itself makes it do so whenever layers are shown or hidden,
    while the window stands still. What is left here and dies later is found at the next call.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()

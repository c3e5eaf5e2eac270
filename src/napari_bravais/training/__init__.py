"""Data sets, training and evaluation of the networks; never imported at run time."""

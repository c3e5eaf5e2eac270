"""Patterns of one phase, assembled to one sphere, and the symmetry that it shows."""

"""Patterns held against what known crystals would show: the orientation, and how well it fits."""

"""Atomic structures: diffraction fingerprint, crystal class, and what the network looked at.

After A. Ziletti, D. Kumar, M. Scheffler and L. M. Ghiringhelli, Nature Communications 9 (2018)
2775, doi 10.1038/s41467-018-05169-6.
"""

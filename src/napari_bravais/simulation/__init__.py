"""Crystals, their master patterns, and detector patterns with the faults of real detectors."""

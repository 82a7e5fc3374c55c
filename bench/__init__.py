"""Measurements: ``make bench`` runs all. Claims in the docs come from here, as ratios in one run."""

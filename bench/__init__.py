"""Measurements: ``make bench`` runs all. Claims in the docs are ratios from one run of these."""

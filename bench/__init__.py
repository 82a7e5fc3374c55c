"""Measurements: ``make bench`` runs all. Claims in the docs are figures of one run of these."""

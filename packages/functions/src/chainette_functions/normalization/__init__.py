"""Normalizing functions."""

"""Measures without gradients."""

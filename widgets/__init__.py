"""Painting only: Line API widgets and pure formatting."""

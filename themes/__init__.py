"""Themes and colour roles: data."""

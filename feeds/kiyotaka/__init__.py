"""The Kiyotaka provider."""

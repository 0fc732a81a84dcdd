"""Where feeds meet screens: command line, settings, the Textual app."""

__version__ = "0.1.0"

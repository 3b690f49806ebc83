"""linxi_gis: may this project stand here? Overlay, law and preliminary judgement for 林西县.

Importing the package loads nothing heavy; every face is imported by the command that needs it.
"""

__version__ = "0.1.0"

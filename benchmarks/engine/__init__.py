"""The engine against its peers: see `__main__`."""

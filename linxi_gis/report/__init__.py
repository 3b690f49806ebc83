"""Faces drawn from an Assessment: the extract, the terminal table. They never open a library."""

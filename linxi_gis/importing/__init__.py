"""Bring layers in: recognise an official package, write an immutable version, name it in the catalogue."""

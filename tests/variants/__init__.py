"""Variants of what reviewers send: each a file, made here, with its truth computed apart from the intake.

`python -m tests.variants DIR` writes them all, every one with a `.truth.json` beside it.
"""

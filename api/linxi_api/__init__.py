"""The HTTP face: one FastAPI application over the same assessments as the command line."""

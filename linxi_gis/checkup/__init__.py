"""体检: what is wrong with the layers of a catalogue, where, how badly, and what to do about it."""

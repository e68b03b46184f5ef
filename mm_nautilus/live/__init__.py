"""One run file on a live node: replayed from a catalogue, on paper, or for real."""

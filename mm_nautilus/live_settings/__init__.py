"""What the ``[live]`` table of a run file may say; read with every run file, used by a live node."""

"""``python -m mm_nautilus.live.beside PIPE LISTENING``: the server process; started by the node, by nobody else."""

import sys

from mm_nautilus.live.beside.server import main

main(int(sys.argv[1]), int(sys.argv[2]))

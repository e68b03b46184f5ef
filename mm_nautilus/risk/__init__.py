"""Rules that watch what trading does and how far it is restrained for it."""

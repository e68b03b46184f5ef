"""The only room of the library that touches the engine."""

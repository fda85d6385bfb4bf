"""The floor of strategy discovery by genetic programming; nothing lives here yet."""

"""One file for each step, in the order in which they name each other."""

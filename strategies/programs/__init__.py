"""Strategies written as typed expressions, and the machine that evaluates many of them at once."""

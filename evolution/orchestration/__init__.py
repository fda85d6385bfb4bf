"""Keeping a population of strategies fit: who serves which regime, who is bred, who has decayed."""

"""The floor of strategy discovery: candidates are bred, tried on the desk, and counted."""

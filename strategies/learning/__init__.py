"""What strategies earned, and what that changes: each method in one file, bounded, switchable."""

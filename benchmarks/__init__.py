"""What is fast, and how we know: `python -m benchmarks`, or `make bench`."""

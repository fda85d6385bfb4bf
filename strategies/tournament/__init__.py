"""The ladder on which strategies rise from paper to capital: R1, R2, R3, LIVE, and RETIRED."""

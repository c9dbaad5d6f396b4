"""Asked, decided by someone else, with a clock of its own."""

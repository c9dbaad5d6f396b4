"""Speed claims as programs: each prints one JSON line last, with a ratio measured in the same run."""

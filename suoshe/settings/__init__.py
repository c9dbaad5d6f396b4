"""Settings by environment: local (embedded), test, production."""

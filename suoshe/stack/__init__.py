"""The processes of the product: what `manage.py up`, the tests and the benches start."""

"""A reported problem from discovery to closing, signed by both sides."""

"""Asked, and decided by someone else, with a clock of its own (DESIGN.md §2).

Nothing that the platform does so far needs a decision by another person: extensions, pauses and
leniency bring the first. The app stands here so that its place among the layers is held.
"""

"""Engines that know nothing of markets."""

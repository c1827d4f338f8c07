"""Measuring: suites, arms, scores and reports."""

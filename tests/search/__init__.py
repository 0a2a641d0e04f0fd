"""Tests of the search on boards."""

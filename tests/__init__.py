"""Tests; `tests.brute` is a brute force that judges independently, used by benchmarks as well."""

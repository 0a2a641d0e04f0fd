"""Migrations of tiny estates against trying everything."""

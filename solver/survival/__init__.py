"""What losing domains leaves, and whether what is lost fits again."""

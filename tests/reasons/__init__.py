"""Why plans are as they are, against trying everything."""

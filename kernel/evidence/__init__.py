"""Files: original bytes, hash, EXIF; access registered by subject kind."""

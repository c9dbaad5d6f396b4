"""Whatever is sent: no 500, no answer but as documented, and of what was refused no row and no file."""

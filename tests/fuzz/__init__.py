"""Whatever is sent: no 500, no answer that breaks the document, and of what was refused no row and no file."""

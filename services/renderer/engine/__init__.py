"""The rendering engine: a document and the wanted output in, the file's bytes out."""

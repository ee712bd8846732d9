"""Named run matrices: packaged configurations."""

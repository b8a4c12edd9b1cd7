"""Reports of the paper's other statements."""

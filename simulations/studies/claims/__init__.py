"""The paper's other statements, each in a small design."""

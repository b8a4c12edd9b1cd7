"""Tables, numbers and figures as text, LaTeX and files."""

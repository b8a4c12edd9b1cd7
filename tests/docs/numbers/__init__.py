"""Numbers that pages have from results/."""

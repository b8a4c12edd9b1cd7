"""A classifier that somebody already has, and the class weights that it acts upon."""

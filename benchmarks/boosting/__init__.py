"""What class weights do to boosted trees: the weights that they act upon, and how fast."""

"""What losses are given: logits, targets, class weights, checked and laid out in one way."""

"""Networks with one hidden layer, batched over replications."""

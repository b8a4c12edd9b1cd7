"""The paper's losses on the paper's networks."""

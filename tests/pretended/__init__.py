"""What would run on a GPU, rehearsed on a device that is pretended; in a process of its own."""

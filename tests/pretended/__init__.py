"""A rehearsal of what would run on a GPU, on a device that is pretended; in a process of its own."""

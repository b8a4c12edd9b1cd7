"""What inference and losses do, measured; nothing is timed."""

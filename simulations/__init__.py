"""What produces evidence: generate -> fit -> measure -> record."""

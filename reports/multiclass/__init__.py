"""Reports of the K-class study."""

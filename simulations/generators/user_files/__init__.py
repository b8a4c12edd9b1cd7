"""Features and labels read from a user's file or arrays, or refused."""

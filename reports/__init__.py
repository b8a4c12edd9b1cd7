"""Summaries of stored measurements as tables and figures. Nothing here ever refits."""

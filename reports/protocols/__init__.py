"""Protocols in the ADEMP frame: the parts that studies share."""

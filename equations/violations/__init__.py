"""What becomes of Eq. (8) where the loss is not the plain one."""

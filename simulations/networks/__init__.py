"""Networks on images: built, trained many at once, kept on the way, recorded."""

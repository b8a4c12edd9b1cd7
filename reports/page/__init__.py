"""One page that shows what a class weight does, in a browser, with nothing beside it."""

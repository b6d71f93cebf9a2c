"""From a tree to everything it says: files are chosen, read as kubectl reads them, and checked against each other."""

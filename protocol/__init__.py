"""The trial itself: one declared protocol and the pure rules that read it. Standard library only."""

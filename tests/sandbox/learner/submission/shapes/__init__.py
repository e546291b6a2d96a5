from .round import Circle

__all__ = ["KINDS", "Circle"]
KINDS = ["round"]

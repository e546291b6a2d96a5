"""What an attack puts its own module in the place of: correct as it stands."""

from correct import Counter, Stack, add, apply, parse, secret, squares

__all__ = ["Counter", "Stack", "add", "apply", "parse", "secret", "squares"]

"""Framing shared by the two programs inside the box (never by the platform)."""

"""Filters for the grading pages."""

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from backpath.grading.difference import plain_text

register = template.Library()

_CODE = re.compile(r"`([^`\n]{1,200})`")


@register.filter
def inline_code(text: str) -> SafeString:
    """Escape `text` and set what stands between backticks as code.

    Everything is escaped first, so that the only markup in the result is this filter's own.
    """
    return mark_safe(_CODE.sub(r'<code class="tok">\1</code>', str(escape(text))))  # noqa: S308 - the text is escaped first


@register.filter
def size(number_of_bytes: int) -> str:
    """Return a size as people read it: `459 bytes`, `2.8 kB`, `20 MB`."""
    if number_of_bytes < 1024:
        return f"{number_of_bytes} byte{'' if number_of_bytes == 1 else 's'}"
    kilobytes = number_of_bytes / 1024
    amount, unit = (kilobytes, "kB") if kilobytes < 1024 else (kilobytes / 1024, "MB")
    return f"{amount:,.1f}".removesuffix(".0") + f" {unit}"


@register.filter
def digest(value: str) -> str:
    """Return the first twelve digits of a digest, without the name of its algorithm."""
    return str(value).rpartition(":")[2][:12]


@register.filter
def visible(text: str) -> str:
    """Return `text` with invisible and direction characters made visible."""
    return plain_text(str(text))

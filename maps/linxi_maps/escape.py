"""The one gate that text passes on its way into a page.

folium 0.20 with branca 0.8.2 renders a page twice: what the first pass writes is parsed as a Jinja
template by the second, and names end up in script text and in innerHTML. A zone called ``{{ 7*7 }}``
would be executed on the server, one called ``<img onerror=...>`` in the browser.
"""

from __future__ import annotations

_ENTITIES = {ord(mark): f"&#{ord(mark)};" for mark in "&<>\"'`{}$\\"}
# Characters HTML forbids (C0 but tab and line ends, DEL, C1) and those that turn text round: shown as a mark.
_UNSEEN = dict.fromkeys(
    (
        *(code for code in range(0x20) if code not in (0x09, 0x0A, 0x0D)),
        *range(0x7F, 0xA0),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
    ),
    "\N{REPLACEMENT CHARACTER}",
)
_TABLE = {**_ENTITIES, **_UNSEEN}


def safe(text: str) -> str:
    r"""Return text that is only ever text: in HTML, in an attribute, in a script string and to Jinja.

    The result is HTML; put it where HTML is expected.

    >>> safe("王家沟 <b>")
    '王家沟 &#60;b&#62;'
    >>> safe("{{ 7*7 }}${x}`\\")
    '&#123;&#123; 7*7 &#125;&#125;&#36;&#123;x&#125;&#96;&#92;'
    """
    return str(text).translate(_TABLE)

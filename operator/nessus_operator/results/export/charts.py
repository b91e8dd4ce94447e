"""Bar charts as inline SVG, coloured by severity through the classes s0 to s4 of the page."""

from collections.abc import Mapping, Sequence
from html import escape

from nessus_operator.results.fields import SEVERITIES

_WIDTH, _LABEL, _BAR, _GAP = 600, 200, 18, 8
_LONGEST_LABEL = 30  # characters


def stacked_bars(
    title: str, bars: Sequence[tuple[str, Mapping[str, int]]], words: Sequence[str] = SEVERITIES
) -> str:
    """A bar each with the counts of its severities, the worst at the left.

    `words`: what a severity, as an index, is called.
    """
    most = max((sum(counts.values()) for _, counts in bars), default=0) or 1
    height = len(bars) * (_BAR + _GAP) + _GAP
    drawn = "".join(
        _bar(label, counts, words, _GAP + number * (_BAR + _GAP), most)
        for number, (label, counts) in enumerate(bars)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"{drawn}</svg>"
    )


def _bar(label: str, counts: Mapping[str, int], words: Sequence[str], top: int, most: int) -> str:
    short = label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
    middle = top + _BAR - 5
    parts = [
        f'<text x="{_LABEL - 8}" y="{middle}" text-anchor="end">{escape(short)}'
        f"<title>{escape(label)}</title></text>"
    ]
    left = float(_LABEL)
    scale = (_WIDTH - _LABEL - 60) / most
    for severity in (4, 3, 2, 1, 0):
        count = counts[SEVERITIES[severity]]
        if count:
            width = max(count * scale, 1.0)
            parts.append(
                f'<rect class="s{severity}" x="{left:.1f}" y="{top}" width="{width:.1f}" '
                f'height="{_BAR}"><title>{count} {words[severity]}</title></rect>'
            )
            left += width
    parts.append(f'<text x="{left + 6:.1f}" y="{middle}">{sum(counts.values())}</text>')
    return "".join(parts)

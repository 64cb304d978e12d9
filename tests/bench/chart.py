# SPDX-License-Identifier: MIT
"""chart: one group of bars for each workload, its first figure, with the range of the rounds."""

import statistics
from xml.sax.saxutils import escape

WIDTH = 760
LABEL = 210  # where the bars begin
BAR = 400  # the longest
ROW = 22
COLOURS = {"ours": "#0b6e4f", "sequenced": "#0b6e4f", "ceiling": "#8d99a6"}
PEER = "#d9a441"


def bar(y, title, colour, values, longest, divisor, digits):
    median = statistics.median(values)
    scale = BAR / longest if longest else 0
    low, high = LABEL + min(values) * scale, LABEL + max(values) * scale
    middle = y + ROW / 2 - 2
    return [
        f'<text x="{LABEL - 8}" y="{y + 13}" text-anchor="end">{escape(title)}</text>',
        f'<rect x="{LABEL}" y="{y}" width="{max(1, median * scale):.1f}" height="{ROW - 5}" '
        f'fill="{colour}"/>',
        f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#222" stroke-width="1.5"/>',
        f'<text x="{max(high, LABEL + median * scale) + 6:.1f}" y="{y + 13}">'
        f'{median / divisor:,.{digits}f}</text>',
    ]


def draw(records, tables, titles):
    shapes = []
    y = 10
    for workload, record in records.items():
        heading, _, figures = tables[workload]
        name, unit, divisor, digits, _ = next(
            (row for row in figures if row[0] != "rate" or workload == "saturation"), figures[0])
        rows = {candidate: found[name] for candidate, found in record["figures"].items()
                if found.get(name)}
        if not rows:
            continue
        y += 26
        shapes.append(f'<text x="10" y="{y - 8}" font-weight="bold">'
                      f'{escape(heading)}: {escape(unit)}</text>')
        longest = max(max(values) for values in rows.values())
        for candidate, values in rows.items():
            shapes += bar(y, titles[candidate], COLOURS.get(candidate, PEER), values, longest,
                          divisor, digits)
            y += ROW
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 20}" '
            f'font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(shapes)
            + "\n</svg>\n")

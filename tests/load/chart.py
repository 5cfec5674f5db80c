# SPDX-License-Identifier: Apache-2.0
"""The race as a chart: an SVG by hand, for light and dark pages, that needs nothing else."""
from xml.sax.saxutils import escape

from race_report import OVERVIEW, values_of

COLUMNS, PANEL_WIDTH, MARGIN = 2, 370, 16
LABEL_WIDTH, VALUE_WIDTH = 112, 50
TITLE_HEIGHT, BAR_HEIGHT, BAR_STEP, PANEL_GAP = 26, 12, 18, 22
HEAD_HEIGHT = 34
LONGEST = 4                  # times gatherd's own; longer bars are drawn broken
BREAK_AT, BREAK_WIDTH = 14, 4

STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.note { fill: #656d76 }
.value { text-anchor: end; font-variant-numeric: tabular-nums }
.page { fill: #ffffff }
.peer { fill: #a9b2bd }
.own { fill: #1f6feb }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note { fill: #8d96a0 }
  .page { fill: #0d1117 }
  .peer { fill: #57606a }
  .own { fill: #4493f8 }
}"""


def draw_bar(kind, x, y, width, is_broken):
    bar = '<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d" rx="2"/>'
    if not is_broken:
        return [bar % (kind, x, y, max(1, width), BAR_HEIGHT)]
    left = width - BREAK_AT
    return [bar % (kind, x, y, left, BAR_HEIGHT),
            bar % (kind, x + left + BREAK_WIDTH, y, BREAK_AT - BREAK_WIDTH, BAR_HEIGHT)]


def draw_panel(x, y, title, values, form):
    lines = ['<text class="title" x="%d" y="%d">%s</text>' % (x, y + 12, escape(title))]
    room = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH
    first = next(iter(values.values()))
    most = min(max(values.values()), LONGEST * first) or 1
    for number, (name, value) in enumerate(values.items()):
        top = y + TITLE_HEIGHT + number * BAR_STEP
        kind = "own" if name.startswith("gatherd") else "peer"
        lines.append('<text x="%d" y="%d">%s</text>' % (x, top + 10, escape(name)))
        lines += draw_bar(kind, x + LABEL_WIDTH, top, room * min(1, value / most),
                          value > most)
        lines.append('<text class="value" x="%d" y="%d">%s</text>' % (
            x + PANEL_WIDTH - 4, top + 10, form % value))
    return lines


def draw(summary):
    """The SVG's text; panels of what was not measured are left out."""
    panels = [(title, {name: median for name, (median, _) in values.items()}, form)
              for test, beginning, figure, title, form in OVERVIEW
              if (values := values_of(summary, test, beginning, figure))]
    most_bars = max((len(values) for _, values, _ in panels), default=0)
    panel_height = TITLE_HEIGHT + most_bars * BAR_STEP + PANEL_GAP
    lines = []
    for number, (title, values, form) in enumerate(panels):
        x = MARGIN + number % COLUMNS * (PANEL_WIDTH + 2 * MARGIN)
        y = HEAD_HEIGHT + number // COLUMNS * panel_height
        lines += draw_panel(x, y, title, values, form)
    width = COLUMNS * (PANEL_WIDTH + 2 * MARGIN)
    height = HEAD_HEIGHT + (len(panels) + COLUMNS - 1) // COLUMNS * panel_height
    return "\n".join([
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
        'role="img" aria-label="gatherd and its peers, measured">' % (
            width, height, width, height),
        "<style>", STYLE, "</style>",
        '<rect class="page" width="%d" height="%d" rx="8"/>' % (width, height),
        '<text class="note" x="%d" y="22">shorter is better; medians of the rounds of one '
        "race; a broken bar is longer than it is drawn</text>" % MARGIN,
        *lines, "</svg>", ""])

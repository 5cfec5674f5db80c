# SPDX-License-Identifier: Apache-2.0
"""The race's results: medians, ratios and tables.

results: test -> row -> contender -> list over rounds of figures. A ratio is gatherd's
figure over the contender's in the same round; the median of the rounds is told.
"""
import statistics

from report import table

LOOP = [("cpu_us_item", "CPU µs/item", "%.1f"), ("items_s", "items/s", "%.0f"),
        ("p50_ms", "p50 ms", "%.2f"), ("p99_ms", "p99 ms", "%.2f"),
        ("rss_mb", "peak RSS MB", "%.0f"), ("opened_per_k", "opened/1000 items", "%.2f")]
BURST = [("wall_ms", "slowest batch ms", "%.0f"), ("cpu_us_item", "CPU µs/item", "%.1f"),
         ("health_p99_ms", "/healthz p99 ms", "%.1f"), ("rss_mb", "peak RSS MB", "%.0f")]
OWN = [("cpu_us_item", "CPU µs/item", "%.1f"), ("times", "÷ the row before", "%.2f")]
COLUMNS = {
    "idle": [("ready_ms", "ready after ms", "%.0f"), ("rss_mb", "RSS MB", "%.1f")],
    "n1": LOOP, "n10": LOOP, "n100": LOOP, "delay": BURST, "one10k": BURST,
    "tail": [("wall_ms", "reply ms", "%.0f"), ("worst_ms", "worst ms", "%.0f")],
    "large": [("wall_ms", "batch ms", "%.0f"), ("cpu_ms_mb", "CPU ms/MB", "%.2f"),
              ("rss_mb", "peak RSS MB", "%.0f")],
    "https": OWN, "workers": OWN}
# (test, beginning of the row, figure, what it is, format); fewer is better in all
OVERVIEW = [
    ("n100", "n100", "cpu_us_item", "100 URLs a batch: CPU µs per item", "%.1f"),
    ("n10", "n10", "cpu_us_item", "10 URLs a batch: CPU µs per item", "%.1f"),
    ("n1", "n1", "cpu_us_item", "one URL a batch: CPU µs per item", "%.1f"),
    ("n100", "n100", "p99_ms", "100 URLs a batch: p99 of a batch, ms", "%.1f"),
    ("delay", "100 x 100 warm", "wall_ms", "100 batches of 100 × 1 s: ms", "%.0f"),
    ("one10k", "1 x 10000 warm", "wall_ms", "one batch of 10,000 × 1 s: ms", "%.0f"),
    ("one10k", "1 x 10000 warm", "health_p99_ms", "/healthz p99 meanwhile, ms", "%.0f"),
    ("one10k", "1 x 10000 warm", "rss_mb", "memory for those 10,000, MB", "%.0f"),
    ("large", "100 x 1 MB", "wall_ms", "100 × 1 MB: ms", "%.0f"),
    ("large", "100 x 1 MB", "cpu_ms_mb", "100 × 1 MB: CPU ms per MB", "%.2f"),
    ("large", "100 x 1 MB", "rss_mb", "memory for those 100 MB, MB", "%.0f"),
    ("idle", "idle", "rss_mb", "memory of a fresh process, MB", "%.1f"),
]
# Ratios of these say nothing: latencies of a target, or nearly nothing by nearly nothing.
WITHOUT_RATIO = {"opened_per_k", "times"}


def ratio(own_rounds, other_rounds, figure):
    """None where they did not run in the same round or one has no such figure."""
    ratios = [own[figure] / other[figure] for own, other in zip(own_rounds, other_rounds)
              if own and other and other.get(figure) and figure in own]
    return statistics.median(ratios) if ratios else None


def summarize(results, reference):
    """test -> row -> contender -> {figure: (median, ratio or None)}, "failed" added up."""
    summary = {}
    for test, rows in results.items():
        for row, contenders in rows.items():
            for name, rounds in contenders.items():
                ran = [figures for figures in rounds if figures]
                if not ran:
                    continue
                line = {"failed": (sum(figures["failed"] for figures in ran), None)}
                for figure, _, _ in COLUMNS[test]:
                    if figure not in ran[0]:
                        continue
                    compared = (None if name == reference or figure in WITHOUT_RATIO else
                                ratio(contenders.get(reference, []), rounds, figure))
                    line[figure] = (statistics.median(f[figure] for f in ran), compared)
                summary.setdefault(test, {}).setdefault(row, {})[name] = line
    return summary


def cell(value, form):
    median, compared = value
    return form % median + (" (%.2f)" % compared if compared is not None else "")


def row_table(test, row, contenders):
    columns = [(figure, heading, "%s") for figure, heading, _ in COLUMNS[test]
               if any(figure in line for line in contenders.values())]
    forms = {figure: form for figure, _, form in COLUMNS[test]}
    rows = []
    for name, line in contenders.items():
        cells = {figure: cell(line[figure], forms[figure])
                 for figure, _, _ in columns if figure in line}
        rows.append((name, {**cells, "failed": line["failed"][0]}))
    return table(row, columns + [("failed", "failed", "%d")], rows)


def tables(summary):
    return "\n\n".join(row_table(test, row, contenders) for test, rows in summary.items()
                       for row, contenders in rows.items())


def values_of(summary, test, beginning, figure):
    """Contender -> (median, ratio) of the first row of that name that was measured."""
    for row, contenders in summary.get(test, {}).items():
        if row.startswith(beginning):
            return {name: line[figure] for name, line in contenders.items() if figure in line}
    return {}


def overview(summary):
    """One Markdown table, a column per contender."""
    rows, names = [], []
    for test, beginning, figure, title, form in OVERVIEW:
        values = values_of(summary, test, beginning, figure)
        names += [name for name in values if name not in names]
        if values:
            rows.append((title, {name: cell(value, form) for name, value in values.items()}))
    return table("", [(name, name, "%s") for name in names], rows) if rows else ""


def count_failed(summary, name):
    """Only gatherd's failures are the race's: peers may break."""
    return sum(contenders[name]["failed"][0] for rows in summary.values()
               for contenders in rows.values() if name in contenders)

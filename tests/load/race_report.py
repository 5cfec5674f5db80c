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


def count_failed(summary, name):
    """Only gatherd's failures are the race's: peers may break."""
    return sum(contenders[name]["failed"][0] for rows in summary.values()
               for contenders in rows.values() if name in contenders)

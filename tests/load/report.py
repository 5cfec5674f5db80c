# SPDX-License-Identifier: Apache-2.0
"""Medians over the rounds, the tables and the JSON document."""
import json
import os
import platform
import statistics

# (figure, heading, format); a row appears in the table whose tests it came from
LOAD_COLUMNS = [
    ("requests_s", "requests/s", "%.0f"), ("items_s", "items/s", "%.0f"),
    ("cpu_us_item", "CPU µs/item", "%.1f"), ("p50_ms", "p50 ms", "%.2f"),
    ("p99_ms", "p99 ms", "%.2f"), ("max_ms", "max ms", "%.1f"),
    ("rss_mb", "peak RSS MB", "%.0f"), ("opened", "connections opened", "%.0f"),
    ("failed", "failed", "%d")]
BURST_COLUMNS = [
    ("wall_ms", "slowest batch ms", "%.0f"), ("median_ms", "median batch ms", "%.0f"),
    ("cpu_us_item", "CPU µs/item", "%.1f"), ("health_p99_ms", "/healthz p99 ms", "%.1f"),
    ("health_worst_ms", "/healthz worst ms", "%.1f"), ("rss_mb", "peak RSS MB", "%.0f"),
    ("opened", "connections opened", "%.0f"), ("failed", "failed", "%d")]
LARGE_COLUMNS = [
    ("wall_ms", "batch ms", "%.0f"), ("mb_s", "MB/s", "%.0f"),
    ("cpu_ms_mb", "CPU ms/MB", "%.2f"), ("rss_mb", "peak RSS MB", "%.0f"),
    ("failed", "failed", "%d")]
TABLES = [("Closed loop: the same batch again and again", LOAD_COLUMNS,
           ["direct", "healthz", "n1", "n10", "n100"]),
          ("Bursts: every item delayed by the upstream", BURST_COLUMNS,
           ["many", "one10k"]),
          ("Large bodies", LARGE_COLUMNS, ["json1m", "text1m"])]


def median_row(rounds):
    """Medians of what was measured in each round; failures are added up."""
    row = {}
    for key in rounds[0]:
        values = [figures[key] for figures in rounds]
        if key == "failed":
            row[key] = sum(values)
        elif key != "faults":
            row[key] = statistics.median(values)
    return row


def summarize(results):
    """results: test -> row name -> list over rounds of figures."""
    return {test: {name: median_row(rounds) for name, rounds in rows.items()}
            for test, rows in results.items()}


def table(title, columns, rows):
    cells = [[title] + [heading for _, heading, _ in columns]]
    for name, row in rows:
        cells.append([name] + [form % row[key] if key in row else "-"
                               for key, _, form in columns])
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    lines = []
    for number, line in enumerate(cells):
        padded = [line[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        lines.append("| " + " | ".join(padded) + " |")
        if number == 0:
            rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
            lines.append("| " + " | ".join(rule) + " |")
    return "\n".join(lines)


def tables(summary):
    parts = []
    for title, columns, tests in TABLES:
        rows = [item for test in tests for item in summary.get(test, {}).items()]
        if rows:
            parts.append(table(title, columns, rows))
    return "\n\n".join(parts)


def count_failed(summary):
    return sum(row["failed"] for rows in summary.values() for row in rows.values())


def fault_lines(results):
    """One line per row that had failures: how many of which kind, over all rounds."""
    lines = []
    for rows in results.values():
        for name, rounds in rows.items():
            faults = {}
            for figures in rounds:
                for fault, count in figures.get("faults", {}).items():
                    faults[fault] = faults.get(fault, 0) + count
            if faults:
                kinds = ["%d × %s" % (n, fault) for fault, n in sorted(faults.items())]
                lines.append("%s: %s" % (name, ", ".join(kinds)))
    return lines


def write_json(path, settings, results, summary):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    document = {
        "machine": {"cpus": os.cpu_count(), "kernel": platform.release(),
                    "memory_mb": memory >> 20},
        "settings": settings, "summary": summary, "rounds": results}
    with open(path, "w", encoding="utf-8") as out:
        json.dump(document, out, indent=1)
        out.write("\n")

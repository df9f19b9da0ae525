"""The peer of bench/table-load.ts: the same columns of the same file, with pandas, or the csv module where it is absent.

Arguments: the table, its used columns, those of them that are numbers; lists are joined by commas. Writes one JSON object.
"""
import csv
import gzip
import json
import math
import resource
import sys
import time

path, used, numeric = sys.argv[1], sys.argv[2].split(","), sys.argv[3].split(",")
try:
    import pandas
except ImportError:
    pandas = None

start = time.perf_counter()
if pandas is not None:
    reader = f"pandas {pandas.__version__}"
    kinds = {"sex": "category", "ward": "category"}
    frame = pandas.read_csv(path, usecols=used, dtype=kinds)
    rows = len(frame)
    seconds = time.perf_counter() - start
    total = float(frame[numeric].sum().sum())
else:
    reader = "Python csv module"
    columns = {name: [] for name in used}
    opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    with opened as file:
        lines = csv.reader(file)
        places = [(columns[name], place, name in numeric) for place, name in enumerate(next(lines)) if name in columns]
        rows = 0
        for row in lines:
            rows += 1
            for values, place, number in places:
                cell = row[place]
                values.append((float(cell) if cell else math.nan) if number else cell)
    seconds = time.perf_counter() - start
    total = sum(value for name in numeric for value in columns[name] if not math.isnan(value))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
json.dump({"reader": reader, "rows": rows, "seconds": seconds, "peakBytes": peak, "sum": total}, sys.stdout)

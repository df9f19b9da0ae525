"""The peers' side of the protocol of src/train/bench/contender.ts."""
import json
import resource
import sys
import time


def serve(description, work):
    print(json.dumps(description), flush=True)
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - start)
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "megabytes": megabytes}), flush=True)

"""Run something several times and print one JSON line: events per second and peak memory."""
import json
import resource
import statistics
import time


def measure(runs, events, once, **facts):
    """`once()` prepares and returns (work, after): only `work()` is timed; `after()` returns facts to print."""
    wall, cpu = [], []
    for _ in range(runs):
        work, after = once()
        start, start_cpu = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
        facts.update(after())
    rates = sorted(events / seconds for seconds in wall)
    print(json.dumps(dict(
        facts, events=events, runs=runs,
        per_second=dict(min=round(rates[0]), median=round(statistics.median(rates)), max=round(rates[-1])),
        per_cpu_second_median=round(events / statistics.median(cpu)),
        peak_rss_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )))

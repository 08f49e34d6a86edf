# compare.py - Assay beside its peers: rounds in turn, medians, ratios, one JSON file.
# SPDX-License-Identifier: Apache-2.0
"""Run by script/bench. In a round each workload runs on Assay, PyTorch and scikit-learn
one after the other, so that whatever else the machine does hits them alike."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "tests", "fixtures")
WORKLOADS = ["W1", "W2", "W3", "W4", "W5", "W6"]
PEERS = ["torch", "sklearn"]
WORDS = {
    "W1": "iris, 16-16 relu, adam, 50 epochs",
    "W2": "digits, 128-128 relu, adam, 20 epochs",
    "W3": "letter, 256-256 relu, adam, 5 epochs",
    "W4": "digits, 500 x 32 tanh, adam, 1 epoch",
    "W5": "digits, 5 x 32 tanh, adam, 10 epochs",
    "W6": "iris, 1000 x 4 relu, sgd, 5 epochs",
}
CSV_BYTES = 200_000_000

# BLAS chooses its own best kernel on every side.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}


class Peers:
    """The other programs, in one process that stays."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", os.path.join(HERE, "peers.py")], env=ENVIRONMENT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, kind, what):
        self.process.stdin.write(f"{kind} {what}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def assay(program, *arguments):
    """The JSON object that a command of ours prints."""
    done = subprocess.run([program, *arguments, "--json"], env=ENVIRONMENT, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout)


def note(text):
    print(text, file=sys.stderr, flush=True)


def time_workloads(program, peers, rounds, workloads):
    """{workload: {side: [seconds]}}, [sgemm], {workload: [gflops]}, what was scaled."""
    seconds = {w: {side: [] for side in ["assay", *PEERS]} for w in workloads}
    gflops, sgemm, scaled = {w: [] for w in workloads}, [], set()
    for turn in range(rounds):
        for w in workloads:
            note(f"bench: round {turn + 1} of {rounds}: {w}")
            mine = assay(program, "bench", "--only", w, "--rounds", "3")
            seconds[w]["assay"].append(mine["workloads"][w]["assay"])
            gflops[w].append(mine["workloads"][w]["gflops"])
            sgemm.append(mine["sgemm_gflops"])
            for peer in PEERS:
                answer = peers.ask(peer, w)
                seconds[w][peer].append(answer["seconds"])
                if answer["scaled"]:
                    scaled.add((w, peer))
    return seconds, sgemm, gflops, scaled


def session(program, rule, trials, folder):
    """A whole session of a rule of bench/ on the iris data, two workers."""
    return assay(program, "run", os.path.join(HERE, rule), "--trials", str(trials),
                 "--data", os.path.join(FIXTURES, "iris.csv"), "--label", "Species",
                 "--seed", "1", "--workers", "2", "--store", os.path.join(folder, rule),
                 "--fresh")


def make_csv(path, size):
    with open(os.path.join(FIXTURES, "letter.csv")) as file:
        header, body = file.readline(), file.read()
    with open(path, "w") as out:
        out.write(header)
        for _ in range(max(1, size // len(body))):
            out.write(body)
    return os.path.getsize(path)


def time_csv(program, peers, rounds, folder, size):
    """MB/s of reading the letter data repeated to 200 MB."""
    path = os.path.join(folder, "letter.csv")
    size = make_csv(path, size)
    rates = {"assay": [], "pandas": []}
    for turn in range(rounds):
        note(f"bench: round {turn + 1} of {rounds}: reading {size // 1_000_000} MB")
        rates["assay"].append(assay(program, "bench", "--csv", path, "--rounds", "1")["csv"])
        rates["pandas"].append(size / peers.ask("pandas", path)["seconds"] * 1e-6)
    os.unlink(path)
    return {side: statistics.median(r) for side, r in rates.items()}


def measure(program, rounds, quick):
    peers = Peers()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        seconds, sgemm, gflops, scaled = time_workloads(program, peers, rounds, WORKLOADS)
        csv = time_csv(program, peers, rounds, folder, CSV_BYTES // (10 if quick else 1))
        note("bench: sessions of 20,000 trials")
        noop = session(program, "noop.lua", 20_000, folder)
        w1 = session(program, "w1.lua", 20_000 // (10 if quick else 1), folder)
    peers.end()
    medians = {w: {side: statistics.median(t) for side, t in sides.items()}
               for w, sides in seconds.items()}
    rate = {w: statistics.median(g) for w, g in gflops.items()}
    for w in medians:
        medians[w]["gflops"] = rate[w]
        medians[w]["scaled"] = sorted(p for v, p in scaled if v == w)
    return {
        "rounds": rounds,
        "workloads": medians,
        "sgemm_gflops": statistics.median(sgemm),
        "assay_gflops": min(rate["W2"], rate["W3"]),
        "noop_trials_per_second": noop["trials_per_second"],
        "w1_session": {"trials": w1["trials"]["done"], "seconds": w1["seconds"]},
        "csv": csv,
    }


def show(r):
    def milliseconds(x):
        return f"{x * 1e3:.3g} ms" if x < 1 else f"{x:.3g} s"

    print(f"Medians of {r['rounds']} rounds: processor time of one thread for a trial "
          "(training and evaluation)\n")
    print(f"{'':46}{'Assay':>10}{'PyTorch':>11}{'ratio':>9}{'sklearn':>11}{'ratio':>9}"
          f"{'GFLOP/s':>9}")
    for w, t in r["workloads"].items():
        line = f"{w}  {WORDS[w]:42}{milliseconds(t['assay']):>10}"
        for peer in PEERS:
            mark = "*" if peer in t["scaled"] else " "
            line += f"{milliseconds(t[peer]) + mark:>12}{t[peer] / t['assay']:>7.1f}x"
        print(line + f"{t['gflops']:>9.0f}")
    if any(t["scaled"] for t in r["workloads"].values()):
        print("    * very slow: part of it was timed and scaled up to all steps")
    share = 100 * r["assay_gflops"] / r["sgemm_gflops"]
    print(f"\nOpenBLAS sgemm, n = 512: {r['sgemm_gflops']:.0f} GFLOP/s; the lower of W2 "
          f"and W3 reaches {share:.0f} % of it")
    print(f"No-op trials, recorded durably, 2 workers: "
          f"{r['noop_trials_per_second']:,.0f} a second")
    print(f"A session of {r['w1_session']['trials']:,} W1 trials, 2 workers: "
          f"{r['w1_session']['seconds']:.2f} s")
    csv = r["csv"]
    print(f"Reading CSV: {csv['assay']:.0f} MB/s; pandas {csv['pandas']:.0f} MB/s "
          f"({csv['assay'] / csv['pandas']:.1f}x)")


def main():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("program", help="the assay program")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--quick", action="store_true",
                        help="one round, smaller files: is everything in place?")
    options = parser.parse_args()
    rounds = 1 if options.quick else max(1, options.rounds)
    result = measure(options.program, rounds, options.quick)
    show(result)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(result, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What 1 to 10,000 workers prove, how long jobs wait, what server and network carry, and what a proof costs.

    script/cluster_model.py [--model NAME=ONNX …] [--binary ZKVERDICT] [--load 0.8] [--price 0.04] [--json]
    script/cluster_model.py --check      holds the formulas against a simulation; needs nothing
    script/cluster_model.py --measure    what operations cost a server here; needs nats-py (PyPI) and script/nats.sh

Jobs are those of models whose times, memory and sizes the planner predicts (`zkverdict inspect --json`), in equal parts;
without a model, of the three in JOBS. What a job asks of the server is counted from src/cluster, what each of these
operations costs was measured with --measure. docs/scaling.md explains the figures.
"""

import argparse
import asyncio
import dataclasses
import heapq
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORKERS = [1, 10, 100, 1000, 10_000]


@dataclasses.dataclass(frozen=True)
class Job:
    """What the planner says of a model: seconds on two cores, bytes of a proof and of an input as it is sent."""

    name: str
    seconds: float
    proof_bytes: int
    input_bytes: int


# As `inspect` predicts them today; script/cluster_model.py --model asks anew.
JOBS = [Job("digits_mlp", 0.141, 1568, 456), Job("lenet5", 1.422, 2688, 3336), Job("resnet8", 5.57, 2464, 12488)]


@dataclasses.dataclass(frozen=True)
class Server:
    """Measured: two shared cores of an AMD EPYC and a disk that syncs in some 3 ms; see --measure."""

    # Writes a second that one stream takes, each on the disk before it is answered.
    synced_writes: float = 300.0
    write_cpu: float = 300e-6
    memory_write_cpu: float = 20e-6
    read_cpu: float = 60e-6
    pull_cpu: float = 200e-6
    cores: float = 2.0


# What one job asks for (src/cluster): the status is written as queued, proving and done; the input is a chunk and its
# description; the job is published, and leaves the queue. Reads: statuses, descriptions, the input.
STATUS_WRITES, OTHER_WRITES, READS = 3, 4, 8
# Seconds between signs of life, an idle worker's questions, and looks of somebody who waits.
SIGN, ASKING, LOOK = 5.0, 2.0, 2.0
# What a job takes beside proving: measured through the queue (tests/cluster/overhead.rs).
OVERHEAD = 0.017
MESSAGE_BYTES = 400


def erlang_c(workers: int, offered: float) -> float:
    """The share of jobs that wait, of those that come at random to so many workers."""
    blocked = 1.0
    for busy in range(1, workers + 1):
        blocked = offered * blocked / (busy + offered * blocked)
    return blocked / (1 - offered / workers * (1 - blocked))


@dataclasses.dataclass(frozen=True)
class Queue:
    """Jobs that come at random, `rate` a second, to workers who take them in turn."""

    workers: int
    rate: float
    mean: float
    # Of the squares of the jobs' seconds: variance by mean squared.
    spread: float

    @property
    def load(self) -> float:
        return self.rate * self.mean / self.workers

    def waits(self) -> float:
        return erlang_c(self.workers, self.rate * self.mean)

    def mean_wait(self) -> float:
        """Allen and Cunneen's approximation."""
        free = self.workers / self.mean - self.rate
        return self.waits() / free * (1 + self.spread) / 2

    def slowest(self, share: float = 0.01) -> float:
        """How long this share of jobs waits at least."""
        waits = self.waits()
        if waits <= share:
            return 0.0
        free = self.workers / self.mean - self.rate
        return math.log(waits / share) / free * (1 + self.spread) / 2


def queue(workers: int, load: float, jobs: list[Job]) -> Queue:
    seconds = [job.seconds + OVERHEAD for job in jobs]
    mean = sum(seconds) / len(seconds)
    variance = sum((s - mean) ** 2 for s in seconds) / len(seconds)
    return Queue(workers, load * workers / mean, mean, variance / mean**2)


def simulate(workers: int, load: float, jobs: list[Job], count: int, seed: int) -> list[float]:
    """How long each of so many jobs waits, the first fifth aside."""
    source = random.Random(seed)
    rate = queue(workers, load, jobs).rate
    free = [0.0] * workers
    now, waits = 0.0, []
    for _ in range(count):
        now += source.expovariate(rate)
        begins = max(now, heapq.heappop(free))
        heapq.heappush(free, begins + source.choice(jobs).seconds + OVERHEAD)
        waits.append(begins - now)
    return sorted(waits[count // 5 :])


def carried(queue: Queue, jobs: list[Job], server: Server) -> dict[str, float]:
    """What server and network do in a second."""
    idle = queue.workers * (1 - queue.load)
    waiting = queue.rate * (queue.mean_wait() + queue.mean)
    writes = queue.rate * (STATUS_WRITES + OTHER_WRITES)
    signs, pulls, looks = queue.workers / SIGN, idle / ASKING + queue.rate, waiting / LOOK
    reads = queue.rate * READS + looks
    cpu = writes * server.write_cpu + signs * server.memory_write_cpu + reads * server.read_cpu + pulls * server.pull_cpu
    mean = lambda what: sum(map(what, jobs)) / len(jobs)
    # The input goes there and on, the proof as hexadecimal digits likewise, and statuses with what is read.
    a_job = mean(lambda job: 2 * job.input_bytes + 4 * job.proof_bytes) + MESSAGE_BYTES * (STATUS_WRITES + OTHER_WRITES + READS)
    return {
        "cores": cpu,
        "writes": writes,
        # The busiest stream is that of statuses.
        "disk": queue.rate * STATUS_WRITES / server.synced_writes,
        "bytes": queue.rate * a_job + MESSAGE_BYTES * (signs + pulls + looks),
    }


def row(workers: int, load: float, jobs: list[Job], server: Server, price: float) -> dict[str, float]:
    """At this load, or at the most that the server carries."""
    most = load
    while True:
        at = queue(workers, most, jobs)
        does = carried(at, jobs, server)
        if does["disk"] <= 0.8 and does["cores"] <= 0.8 * server.cores or most < load / 1e4:
            break
        most *= 0.98
    return {
        "workers": workers,
        "load": most,
        "proofs_a_second": at.rate,
        "wait_mean": at.mean_wait(),
        "wait_slowest_percent": at.slowest(),
        "server_cores": does["cores"],
        "server_disk": does["disk"],
        "network_bytes_a_second": does["bytes"],
        "dollars_a_proof": 2 * price / 3600 * workers / at.rate,
    }


def planned(named: str, binary: str) -> Job:
    name, path = named.split("=", 1)
    said = json.loads(subprocess.run([binary, "--json", "inspect", path], check=True, capture_output=True).stdout)
    predicted = said["plan"]["predicted"]
    elements = sum(math.prod(port["shape"]) for port in said["inputs"])
    return Job(name, predicted["prove_seconds"], predicted["proof_bytes"], 4 * elements + 200)


def check() -> None:
    """The formulas against simulated queues."""
    worst = 0.0
    print(f"{'workers':>8} {'load':>5} {'mean wait: formula':>19} {'simulated':>10} {'slowest 1 %: formula':>21} {'simulated':>10}")
    for workers in (1, 10, 100, 1000, 10_000):
        for load in (0.5, 0.7, 0.9):
            expected = queue(workers, load, JOBS)
            # What one queue does hangs together for long where there is hardly any room in it.
            count = 400_000 if workers <= 10 else 200_000
            waits = simulate(workers, load, JOBS, count, seed=workers)
            mean, slowest = sum(waits) / len(waits), waits[int(0.99 * len(waits))]
            print(
                f"{workers:8} {load:5.2f} {expected.mean_wait():17.3f} s {mean:8.3f} s"
                f" {expected.slowest():19.3f} s {slowest:8.3f} s"
            )
            # Against how long a job takes with its wait.
            for formula, found in ((expected.mean_wait(), mean), (expected.slowest(), slowest)):
                off = abs(formula - found) / (expected.mean + found)
                worst = max(worst, off)
                if off > 0.15:
                    sys.exit(f"error: {workers} workers at a load of {load}: {formula:.3f} s by the formula, {found:.3f} s simulated")
    print(f"the formulas are off by {100 * worst:.1f} % of a job's whole time at most")


async def measure() -> None:
    """What each operation costs a server, and how many it does in a second."""
    import nats
    from nats.js.api import KeyValueConfig, RetentionPolicy, StorageType, StreamConfig

    program = os.environ.get("ZKVERDICT_NATS_SERVER", str(ROOT / "target/nats/bin/nats-server"))
    with tempfile.TemporaryDirectory() as folder:
        address = "127.0.0.1:42333"
        config = pathlib.Path(folder, "server.conf")
        config.write_text(f'listen: "{address}"\njetstream {{ store_dir: "{folder}/store", sync_interval: always }}\n')
        server = subprocess.Popen([program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def used() -> float:
            fields = pathlib.Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        async def times(name: str, count: int, operation, abreast: int) -> None:
            numbers = iter(range(count))

            async def some() -> None:
                for number in numbers:
                    await operation(number)

            before, begun = used(), time.monotonic()
            await asyncio.gather(*(some() for _ in range(abreast)))
            cpu, seconds = (used() - before) / count, time.monotonic() - begun
            print(f"{name:14} {abreast:3} at a time: {1e6 * cpu:6.0f} µs of processor, {count / seconds:6.0f} a second")

        try:
            await asyncio.sleep(2)
            client = await nats.connect(f"nats://{address}")
            stream = client.jetstream(timeout=30)
            disk = await stream.create_key_value(KeyValueConfig(bucket="disk", storage=StorageType.FILE))
            memory = await stream.create_key_value(KeyValueConfig(bucket="memory", storage=StorageType.MEMORY))
            await stream.add_stream(StreamConfig(name="jobs", subjects=["jobs.>"], retention=RetentionPolicy.WORK_QUEUE))
            status, proof = b"x" * MESSAGE_BYTES, b"x" * 6000
            for abreast in (1, 16, 64):
                await times("status", 600, lambda i: disk.put(f"status{i % 500}", status), abreast)
                await times("proof", 600, lambda i: disk.put(f"proof{i % 500}", proof), abreast)
                await times("job", 600, lambda i: stream.publish(f"jobs.{abreast}.{i}", status), abreast)
                await times("sign of life", 3000, lambda i: memory.put(f"worker{i % 500}", status), abreast)
                await times("read", 3000, lambda i: disk.get(f"status{i % 500}"), abreast)
            taken = await stream.pull_subscribe("jobs.>", durable="workers")

            async def take(_: int) -> None:
                (message,) = await taken.fetch(1, timeout=30)
                await message.ack_sync()

            await times("take and leave", 1200, take, 1)
        finally:
            server.kill()
            server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", default=[], metavar="NAME=ONNX")
    parser.add_argument("--binary", default=str(ROOT / "target/debug/zkverdict"))
    parser.add_argument("--load", type=float, default=0.8, help="how busy workers are, where the server carries it")
    parser.add_argument("--price", type=float, default=0.04, help="dollars for a core and an hour")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--measure", action="store_true")
    args = parser.parse_args()
    if args.check:
        return check()
    if args.measure:
        return asyncio.run(measure())
    jobs = [planned(model, args.binary) for model in args.model] or JOBS
    rows = [row(workers, args.load, jobs, Server(), args.price) for workers in WORKERS]
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    mean = sum(job.seconds for job in jobs) / len(jobs)
    print(f"Jobs of {mean:.2f} s on average ({', '.join(job.name for job in jobs)}), workers with two cores, one server\n")
    print("| workers | busy | proofs a second | wait, mean | wait of the slowest 1 % | server's cores | its disk | network | dollars a proof |")
    print("|---|---|---|---|---|---|---|---|---|")
    for at in rows:
        print(
            f"| {at['workers']:,} | {100 * at['load']:.0f} % | {at['proofs_a_second']:,.1f} | {at['wait_mean']:.2f} s"
            f" | {at['wait_slowest_percent']:.2f} s | {at['server_cores']:.2f} | {100 * at['server_disk']:.0f} %"
            f" | {at['network_bytes_a_second'] / 1e6:.2f} MB/s | {at['dollars_a_proof']:.6f} |"
        )


if __name__ == "__main__":
    main()

"""Feeds mutants of valid files to `ingot-run --verify -` and demands one calm line for each.

Mutant k of a base file depends on (base, k) alone, so a finding is reproduced by its number. A
crash, a sanitizer report, a silent or long answer, a hang, or an accepted file whose container
breaks safetensors' rules fails the run.

    python tests/fuzz_reader.py --runner build/asan/ingot-run --mutants 20000
"""

from __future__ import annotations

import argparse
import json
import random
import select
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

GOLDEN = Path(__file__).parent / "data" / "golden"
SECONDS_PER_FILE = 20
INTERESTING = [
    0,
    1,
    -1,
    255,
    2**31 - 1,
    2**31,
    2**32,
    2**53,
    2**62,
    2**63 - 1,
    2**63,
    2**64 - 1,
    2**64,
]
TOKENS = [
    "%0",
    "%9999",
    "x",
    "-1",
    "18446744073709551616",
    "f32",
    "bool",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ",",
    "=",
    "->",
    "as",
    "@",
    "in",
    '"',
    "\\",
    "\n",
    "\t",
    "\0",
    "#",
    "while",
    "if",
    "scan",
    "fused",
    "floordiv(n, 0)",
    "n*n*n*n*n*n*n*n*n",
    "nan",
    "1e999",
]


def split(data: bytes) -> tuple[dict[str, object], bytes]:
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def join(header: object, payload: bytes) -> bytes:
    text = (header if isinstance(header, str) else json.dumps(header)).encode(
        "utf-8", "surrogatepass"
    )
    text += b" " * (-(8 + len(text)) % 64)
    return struct.pack("<Q", len(text)) + text + payload


def mutate_bytes(r: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(r.choice([1, 1, 2, 8])):
        changed[r.randrange(len(changed))] = r.choice([0, 255, 0x22, 0x5B, 0x7B, r.randrange(256)])
    return bytes(changed)


def mutate_size(r: random.Random, data: bytes) -> bytes:
    if r.random() < 0.5:
        return data[: r.randrange(len(data))]
    return struct.pack("<Q", r.choice(INTERESTING) % 2**64) + data[8:]


def mutate_header(r: random.Random, data: bytes) -> bytes:
    header, payload = split(data)
    names = [name for name in header if name != "__metadata__"]
    if not names:
        return mutate_bytes(r, data)
    entry = header[r.choice(names)]
    assert isinstance(entry, dict)
    field = r.choice(["dtype", "shape", "data_offsets"])
    entry[field] = r.choice(
        [
            None,
            [],
            "F32",
            "U8",
            [r.choice(INTERESTING)],
            [r.choice(INTERESTING), r.choice(INTERESTING)],
            [0, len(payload)],
            [[1]],
        ]
    )
    return join(header, payload)


def mutate_text(r: random.Random, data: bytes) -> bytes:
    """Changes the module's text: characters, tokens, numbers, whole lines."""
    header, payload = split(data)
    metadata = header["__metadata__"]
    assert isinstance(metadata, dict)
    text = str(metadata["ingot.module"])
    lines = text.splitlines(keepends=True)
    kind = r.randrange(6)
    if kind == 0:
        at = r.randrange(len(text))
        text = text[:at] + r.choice(TOKENS) + text[at + r.choice([0, 1, 4]) :]
    elif kind == 1:
        a, b = r.randrange(len(lines)), r.randrange(len(lines))
        lines[a], lines[b] = lines[b], lines[a]
        text = "".join(lines)
    elif kind == 2:
        del lines[r.randrange(len(lines))]
        text = "".join(lines)
    elif kind == 3:
        lines.insert(r.randrange(len(lines) + 1), r.choice(lines))
        text = "".join(lines)
    elif kind == 4:
        numbers = [i for i, c in enumerate(text) if c.isdigit()]
        at = r.choice(numbers)
        text = text[:at] + str(r.choice([*INTERESTING, r.randrange(10)])) + text[at + 1 :]
    else:
        at, length = r.randrange(len(text)), r.choice([100, 10_000, 200_000])
        text = (
            text[:at]
            + r.choice(["(", "{", "[", "a", "%", "1", " ", "while(", "floordiv("]) * length
            + text[at:]
        )
    metadata["ingot.module"] = text
    return join(header, payload)


MUTATIONS = [mutate_bytes, mutate_size, mutate_header, mutate_text, mutate_text]


def mutant(base: bytes, number: int) -> bytes:
    r = random.Random(number)
    return r.choice(MUTATIONS)(r, base)


class Server:
    """A long-lived `ingot-run --verify -`: one path in, one line out."""

    def __init__(self, runner: str) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [runner, "--verify", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
        )

    def ask(self, path: Path) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{path}\n".encode())
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], SECONDS_PER_FILE)[0]:
            self.process.kill()
            return "hang"
        line = self.process.stdout.readline().decode("utf-8", "replace")
        if not line:
            self.process.wait()
            self.errors.seek(0)
            return f"crash: {self.errors.read()[-2000:].decode('utf-8', 'replace')}"
        return line.rstrip("\n")


def judge(answer: str) -> str:
    if answer == "ok" or (answer.startswith("error: ") and len(answer) <= 500):
        return answer.split(":")[0]
    return "bad"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runner", required=True)
    parser.add_argument("--mutants", type=int, default=20_000, help="of all base files together")
    options = parser.parse_args()
    bases = sorted(GOLDEN.rglob("*.ingot"))
    assert bases, f"no base files under {GOLDEN}"
    counts: Counter[str] = Counter()
    server = Server(options.runner)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutant.ingot"
        for number in range(options.mutants):
            base = bases[number % len(bases)]
            path.write_bytes(mutant(base.read_bytes(), number))
            answer = server.ask(path)
            counts[judge(answer)] += 1
            if judge(answer) == "bad":
                sys.exit(f"mutant {number} of {base.name}: {answer}")
    print(f"{options.mutants} mutants of {len(bases)} files: {dict(counts)}")


if __name__ == "__main__":
    main()

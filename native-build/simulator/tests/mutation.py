#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the simulator on purpose, one place at a time, and shows that a test turns red.

Works on a copy of native-build, never on the tree itself. Each mutation replaces one piece of text that must occur
exactly once, rebuilds the tests named for it and runs them, until one fails: the mutation is caught. Exit status 0 when
all are caught, 1 when one survives or no longer applies.

    tests/mutation.py [--work DIR] [--jobs N] [NAME ...]      (without names: all; --list names them)
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple


class Mutation(NamedTuple):
    name: str
    file: str  # under simulator/src
    old: str
    new: str
    tests: str  # targets to build and run, separated by blanks, the one that is quickest to build first


MUTATIONS = [
    # wrong width
    Mutation("mul.hi-width", "numerics/integer.hpp", "return static_cast<T>(mul_wide(a, b) >> detail::width<T>);",
             "return static_cast<T>(mul_wide(a, b) >> (detail::width<T> - 1));", "numerics_integer opcodes"),
    Mutation("cvt-top-bit", "numerics/convert.hpp", "constexpr bool topBit = std::is_same_v<S, double> || sizeof(D) == 8;",
             "constexpr bool topBit = sizeof(D) == 8;", "numerics_convert"),
    Mutation("bfe-length", "numerics/bitfield.hpp", "const unsigned pos = b & 0xff, len = c & 0xff;",
             "const unsigned pos = b & 0xff, len = c & 0x3f;", "numerics_bitfield opcodes"),
    # wrong sign
    Mutation("sub.cc-borrow", "numerics/integer.hpp", "- static_cast<detail::U<T>>(b) - borrowIn", "- static_cast<detail::U<T>>(b) + borrowIn",
             "numerics_integer opcodes"),
    Mutation("exact-zero-sign", "numerics/float_arith.hpp", "(std::signbit(a) || std::signbit(b)) ? -0.0 : sum",
             "(std::signbit(a) && std::signbit(b)) ? -0.0 : sum", "numerics_float_arith"),
    Mutation("min-zero-sign", "numerics/compare.hpp", "(x == y && std::signbit(x))", "(x == y && !std::signbit(x))", "numerics_compare"),
    # wrong rounding, wrong bound
    Mutation("tie-to-odd", "numerics/float_format.hpp", "case Rnd::rn: return cut == 3 || (cut == 2 && odd);",
             "case Rnd::rn: return cut == 3 || (cut == 2 && !odd);", "numerics_format"),
    Mutation("round-to-odd-lost", "numerics/float_arith.hpp", "const bool move = (error > 0 || error < 0) && !(b & 1);",
             "const bool move = false && error > 0 && !(b & 1);", "numerics_float_arith"),
    Mutation("ex2-bound", "numerics/approx.hpp", "2 * detail::ulp_of_float(exact), mode, bits_of(a));",
             "3 * detail::ulp_of_float(exact), mode, bits_of(a));", "numerics_approx"),
    # wrong lane
    Mutation("mma-transpose", "numerics/mma.cpp", "rows[8 * k + n] = transposed.at[n * wide + k];",
             "rows[8 * k + n] = transposed.at[n * wide + (k ^ 1)];", "numerics_mma"),
    Mutation("ldmatrix-column", "numerics/mma.cpp", "const uint16_t second = transposed ? rows[column + 1][row] : rows[row][column + 1];",
             "const uint16_t second = transposed ? rows[column][row] : rows[row][column + 1];", "numerics_mma opcodes_warp"),
    # handlers: wrong lane
    Mutation("shfl-up-edge", "engine/warp_sync.cpp", "from = l - distance; in = from >= most;", "from = l - distance; in = from > most;", "opcodes_warp"),
    Mutation("match-first-lane", "engine/warp_sync.cpp", "d[std::countr_zero(m)] = All ? (all ? lanes : 0) : result[std::countr_zero(m)];",
             "d[std::countr_zero(m)] = All ? (all ? lanes : 0) : result[std::countr_zero(lanes)];", "opcodes_warp"),
    Mutation("setp-pair-halves", "engine/lanes_comparisons.cpp", "  setPredicate(w, i.d, exec, low);\n  setPredicate(w, i.d2, exec, high);",
             "  setPredicate(w, i.d, exec, high);\n  setPredicate(w, i.d2, exec, low);", "opcodes"),
    # handlers: wrong width or type
    Mutation("mul.hi-of-another-type", "engine/lanes_integers.cpp", "binary<num::mul_hi<T>, T, T, T>", "binary<num::mul_hi<i64>, T, T, T>", "opcodes"),
    Mutation("cvt-extends-with-zeros", "engine/decode_operands.cpp", "return c == 'b' || c == 's' || c == 'w';", "return c == 's' || c == 'w';",
             "opcodes opcodes_moves"),
    Mutation("ld-extends-with-zeros", "engine/memory_access.cpp", "return isSigned ? load<W, B, R, true> : load<W, B, R, false>;",
             "return isSigned && B != 2 ? load<W, B, R, true> : load<W, B, R, false>;", "opcodes_memory"),
    Mutation("cp.async-keeps-tail", "engine/memory_async.cpp", "std::memset(to + c.sourceBytes, 0, c.bytes - c.sourceBytes);", "", "opcodes_memory"),
    # handlers: wrong sign or condition
    Mutation("vote-any-is-all", "engine/warp_sync.cpp", "V == Vote::Any ? yes != 0", "V == Vote::Any ? yes == lanes", "opcodes_warp"),
    Mutation("atom.dec-limit", "engine/atomics.cpp", "return v == 0 || v > x ? x : v - 1;", "return v == 0 || v >= x ? x : v - 1;", "opcodes_atomics"),
    Mutation("p|q-not-complement", "engine/lanes_comparisons.cpp", "const u32 first = with(mask), second = with(~mask);",
             "const u32 first = with(mask), second = ~with(mask);", "opcodes"),
    Mutation("guard-ignores-not", "engine/decoder.cpp", "i.guardFlip = at_ && at_->guard >= 0 && at_->guardNegated ? ~0u : 0;", "i.guardFlip = 0;",
             "opcodes_moves"),
    Mutation("bar.red-or-is-and", "engine/barriers.cpp", "(w.barrierKind == kAnd ? b.all : b.any)", "(w.barrierKind == kAnd ? b.all : b.all)", "opcodes_warp"),
    Mutation("cvta-forgets-window", "engine/memory_misc.cpp", "d[l] = a[l] + base;", "d[l] = a[l] - base;", "opcodes_memory"),
    Mutation("tid.y", "engine/block.cpp", "case Special::TidY: return thread / size.x % size.y;", "case Special::TidY: return thread / size.y % size.y;",
             "opcodes_moves"),
]


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def build(directory, tests, jobs):
    return run(["cmake", "--build", str(directory), "-j", str(jobs), "--target", *tests])


def first_red(directory, tests, jobs):
    """What the tests say of a mutation: None when all of them pass."""
    for test in tests:
        built = build(directory, [test], jobs)
        if built.returncode:
            return f"does not compile\n{built.stdout[-1500:]}"
        if run(["ctest", "--test-dir", str(directory), "-R", f"^{test}$"]).returncode:
            return f"caught by {test}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--work", type=pathlib.Path, help="keep the copy and its build here (a second run is then faster)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(m.name for m in MUTATIONS))
        return 0
    unknown = set(arguments.names) - {m.name for m in MUTATIONS}
    if unknown:
        parser.error(f"no such mutation: {', '.join(sorted(unknown))}")
    chosen = [m for m in MUTATIONS if not arguments.names or m.name in arguments.names]

    work = arguments.work or pathlib.Path(tempfile.mkdtemp(prefix="kofn-mutation-"))
    source, directory = work / "native-build", work / "build"
    original = pathlib.Path(__file__).resolve().parents[2]
    subprocess.run(["rsync", "-a", "--delete", f"{original}/", f"{source}/"], check=True) if shutil.which("rsync") else shutil.copytree(
        original, source, dirs_exist_ok=True)
    generator = ["-G", "Ninja"] if shutil.which("ninja") and not directory.exists() else []
    # Little optimisation: compiling is what takes the time.
    configured = run(["cmake", *generator, "-DCMAKE_CXX_FLAGS_RELEASE=-O1", "-S", str(source), "-B", str(directory)])
    if configured.returncode:
        sys.exit(configured.stdout)

    tests = sorted({t for m in chosen for t in m.tests.split()})
    clean = build(directory, tests, arguments.jobs)
    if clean.returncode:
        sys.exit(clean.stdout[-3000:])
    before = run(["ctest", "--test-dir", str(directory), "-R", f"^({'|'.join(tests)})$"])
    if before.returncode:
        sys.exit("the tests fail before any mutation:\n" + before.stdout[-3000:])

    survivors = []
    for m in chosen:
        path = source / "simulator" / "src" / m.file
        text = path.read_text()
        if text.count(m.old) != 1:
            print(f"{m.name:24} does not apply: its text occurs {text.count(m.old)} times in {m.file}")
            survivors.append(m.name)
            continue
        path.write_text(text.replace(m.old, m.new))
        try:
            red = first_red(directory, m.tests.split(), arguments.jobs)
            print(f"{m.name:24} {red or 'SURVIVES'}", flush=True)
            if not red or not red.startswith("caught"):
                survivors.append(m.name)
        finally:
            path.write_text(text)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} caught")
    if not arguments.work:
        shutil.rmtree(work)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())

// SPDX-License-Identifier: Apache-2.0
//
// Calls, memories, vectors, atomics and printf against the same in host C++.
#include "corpus.hpp"

using namespace corpus;

namespace {

constexpr unsigned kThreads = 96;

struct Big { long long a[5]; float f; char tag; };

int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

/// Runs a kernel (in, out) over 96 threads and compares with f on the host.
template <class F> void perThread(Program& program, const char* kernel, F f) {
  const std::vector<int> in = program.integers(kThreads, -100, 100);
  const auto out = program.room<int>(kThreads);
  program.run(kernel, 1, kThreads, program.up(in), out);
  const auto got = program.down<int>(out, kThreads);
  for (unsigned i = 0; i < kThreads; i++) CHECK_EQ(got[i], f(in[i]));
}

}  // namespace

CORPUS_TEST("recursion, indirect and virtual calls, jump tables", "language") {
  perThread(program, "recursion", [](int x) { return fibonacci(x & 7); });
  perThread(program, "indirect", [](int x) { return x & 1 ? 2 * x : -x; });
  perThread(program, "virtualCalls", [](int x) { return x & 16 ? (x & 15) * (x & 15) : (x & 15) + 1; });
  perThread(program, "jumpTable", [](int x) {
    const int cases[] = {x + 1, x * 3, x ^ 0x55, x - 11, -x, x * 4, x >> 1, x % 10};
    return cases[x & 7];
  });
}

CORPUS_TEST("structs by value", "language") {
  Big b{{1, -2, 3'000'000'000'000, 4, 5}, 2.5f, 'x'};
  const std::vector<int> in = program.integers(kThreads, -100, 100);
  const auto out = program.room<long long>(kThreads);
  program.run("structs", 1, kThreads, b, program.up(in), out);
  const auto got = program.down<long long>(out, kThreads);
  for (unsigned i = 0; i < kThreads; i++) CHECK_EQ(got[i], 'x' + 3'000'000'000'008 + 5LL * in[i] + 5);
}

CORPUS_TEST("constant, static and local memory", "language") {
  const int table[16] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3}, initialised[4] = {10, 20, 30, 40};
  unsigned long long counted = 0;
  const std::vector<int> in = program.integers(kThreads, 0, 100);
  const auto out = program.room<int>(kThreads);
  program.run("memories", 1, kThreads, program.up(in), out);
  const auto got = program.down<int>(out, kThreads);
  for (unsigned i = 0; i < kThreads; i++) {
    const int x = in[i];
    int local[32], sum = 0;
    for (int k = 0; k < 32; k++) local[k] = k * table[k & 15];
    local[x & 31] += initialised[x & 3];
    for (int k = 0; k < 32; k++) sum += local[(k + x) & 31] * (k + 1);
    CHECK_EQ(got[i], sum);
    counted += static_cast<unsigned long long>(x & 31);
  }
  const auto counter = program.room<unsigned long long>(1);
  program.run("readCounter", 1, 1, counter);
  CHECK_EQ(program.down<unsigned long long>(counter, 1)[0], counted);
}

CORPUS_TEST("vector loads and stores", "language") {
  const unsigned n = 2 * kThreads;
  const auto in = program.reals<float>(4 * n, -1, 1);
  std::vector<unsigned char> bytes(4 * n);
  for (auto& b : bytes) b = static_cast<unsigned char>(program.random());
  const auto out = program.room<float>(4 * n), shorts = program.room<unsigned short>(2 * n), doubles = program.room<double>(2 * n);
  program.run("vectors", 2, kThreads, program.up(in), out, program.up(bytes), shorts, doubles);
  const auto f = program.down<float>(out, 4 * n);
  const auto s = program.down<unsigned short>(shorts, 2 * n);
  const auto d = program.down<double>(doubles, 2 * n);
  for (unsigned i = 0; i < n; i++) {
    for (unsigned k = 0; k < 4; k++) CHECK_EQ(f[4 * i + k], in[4 * i + 3 - k]);
    for (unsigned k = 0; k < 2; k++) CHECK_EQ(s[2 * i + k], bytes[4 * i + 2 * k] * 256 + bytes[4 * i + 2 * k + 1]);
    CHECK_EQ(d[2 * i], static_cast<double>(in[4 * i]));
    CHECK_EQ(d[2 * i + 1], static_cast<double>(in[4 * i + 1]) * bytes[4 * i]);
  }
}

CORPUS_TEST("atomics", "language") {
  const unsigned blocks = 3, n = blocks * kThreads;
  const std::vector<int> in = program.integers(n, 0, 1 << 20);
  std::vector<int> start(24, 0);
  start[1] = 1 << 30, start[3] = -1, start[6] = 5, start[7] = 5;
  const auto words = program.up(start);
  const auto floats = program.up(std::vector<float>{1}), doubles = program.up(std::vector<double>{2});
  const auto longs = program.up(std::vector<unsigned long long>{7, 0});
  program.run("atomics", blocks, kThreads, program.up(in), words, floats, longs, doubles);
  const auto got = program.down<int>(words, 24);
  std::vector<int> want = start;
  unsigned long long sum = 7, most = 0;
  for (int x : in) {
    want[0] += x, want[1] = std::min(want[1], x), want[2] = std::max(want[2], x), want[3] &= x, want[4] |= x, want[5] ^= x;
    want[6] = want[6] >= 99 ? 0 : want[6] + 1;
    want[7] = want[7] == 0 || want[7] > 77 ? 77 : want[7] - 1;
    want[16 + (x & 7)]++;
    sum += static_cast<unsigned>(x), most = std::max<unsigned long long>(most, static_cast<unsigned>(x));
  }
  for (int k = 0; k < 4; k++) want[8 + static_cast<unsigned>(k)] = k;
  want[12] = 3 * static_cast<int>(n);
  CHECK(got == want);
  CHECK_EQ(program.down<float>(floats, 1)[0], 1 + 0.25f * n);
  CHECK_EQ(program.down<double>(doubles, 1)[0], 2 + 0.5 * n);
  CHECK(program.down<unsigned long long>(longs, 2) == (std::vector<unsigned long long>{sum, most}));
}

CORPUS_TEST("printf", "language") {
  std::string printed;
  program.device.options.print = [&](std::string_view text) { printed += text; };
  program.run("prints", 1, 32, program.up(std::vector<int>{4, -5}));
  CHECK(printed.find("thread 0: 4 text  6.00 123456789abc\n") != std::string::npos);
  CHECK(printed.find("thread 1: -5 text -7.50 123456789abc\n") != std::string::npos);
}

TEST_MAIN

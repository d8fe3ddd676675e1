// SPDX-License-Identifier: Apache-2.0
//
// CUB on the simulator against the standard library on the host.
#include "corpus.hpp"

#include <algorithm>

using namespace corpus;

namespace {

constexpr unsigned kBlocks = 5, kThreads = 128, kItems = 4, kTile = kThreads * kItems, kCount = kBlocks * kTile;

/// Calls f(begin, end) for each block's tile of `tile` elements.
template <class T, class F> void eachTile(std::vector<T>& v, std::size_t tile, F f) {
  for (std::size_t at = 0; at < v.size(); at += tile) f(v.begin() + static_cast<std::ptrdiff_t>(at), v.begin() + static_cast<std::ptrdiff_t>(at + tile));
}

}  // namespace

CORPUS_TEST("radix sort of pairs is stable", "cub") {
  std::vector<unsigned> keys(kCount);
  std::vector<int> values(kCount);
  for (unsigned i = 0; i < kCount; i++) keys[i] = (i / kTile % 2 ? program.random() : program.random() % 17 * 0x01010101u), values[i] = static_cast<int>(i);
  const auto k = program.room<unsigned>(kCount), v = program.room<int>(kCount);
  program.run("sortPairs", kBlocks, kThreads, program.up(keys), program.up(values), k, v);
  std::vector<int> order = values;
  eachTile(order, kTile, [&](auto b, auto e) {
    std::stable_sort(b, e, [&](int x, int y) { return keys[static_cast<unsigned>(x)] < keys[static_cast<unsigned>(y)]; });
  });
  std::vector<unsigned> sorted;
  for (int i : order) sorted.push_back(keys[static_cast<unsigned>(i)]);
  CHECK(program.down<int>(v, kCount) == order);
  CHECK(program.down<unsigned>(k, kCount) == sorted);
}

CORPUS_TEST("radix sort of floats, descending, with infinities", "cub") {
  std::vector<float> in = program.reals<float>(kCount, -1e10f, 1e10f);
  in[3] = INFINITY, in[100] = -INFINITY, in[200] = 0x1p-140f, in[201] = -0x1p-140f;
  const auto out = program.room<float>(kCount);
  program.run("sortFloatsDescending", kBlocks, kThreads, program.up(in), out);
  eachTile(in, kTile, [](auto b, auto e) { std::sort(b, e, std::greater<float>()); });
  CHECK(program.down<float>(out, kCount) == in);
}

CORPUS_TEST("merge sorts", "cub") {
  // A merge that has used up its second list still reads the key behind it, and ignores what it read.
  program.device.options.checks[static_cast<std::size_t>(Check::UninitialisedShared)] = false;
  std::vector<long long> in(kCount);
  for (auto& x : in) x = static_cast<long long>(program.random()) << 20 ^ -static_cast<long long>(program.random());
  const auto out = program.room<long long>(kCount);
  program.run("mergeSort", kBlocks, kThreads, program.up(in), out);
  eachTile(in, kTile, [](auto b, auto e) { std::sort(b, e); });
  CHECK(program.down<long long>(out, kCount) == in);

  std::vector<int> words = program.integers(kCount, -1000, 1000);
  const auto sorted = program.room<int>(kCount);
  program.run("warpMergeSort", kBlocks, kThreads, program.up(words), sorted);
  eachTile(words, 32 * kItems, [](auto b, auto e) { std::sort(b, e); });
  CHECK(program.down<int>(sorted, kCount) == words);
}

CORPUS_TEST("block scans, three algorithms", "cub") {
  for (const char* kernel : {"scanWarps", "scanRaking", "scanMemoize"}) {
    const std::vector<int> in = program.integers(kCount, -5, 3'000'000);
    const auto inclusive = program.room<int>(kCount), exclusive = program.room<int>(kCount), totals = program.room<int>(kBlocks);
    program.run(kernel, kBlocks, kThreads, program.up(in), inclusive, exclusive, totals);
    std::vector<int> sums, maxima, sum;
    for (unsigned b = 0; b < kBlocks; b++) {
      int s = 0, m = 1 << 20;
      for (unsigned i = 0; i < kTile; i++) {
        maxima.push_back(m);
        s += in[b * kTile + i], m = std::max(m, in[b * kTile + i]);
        sums.push_back(s);
      }
      sum.push_back(s);
    }
    CHECK(program.down<int>(inclusive, kCount) == sums);
    CHECK(program.down<int>(exclusive, kCount) == maxima);
    CHECK(program.down<int>(totals, kBlocks) == sum);
  }
}

CORPUS_TEST("warp scan", "cub") {
  const unsigned n = kBlocks * kThreads;
  const std::vector<float> in = program.reals<float>(n, -1, 1);
  const auto out = program.room<float>(n), aggregates = program.room<float>(n / 32);
  program.run("warpScan", kBlocks, kThreads, program.up(in), out, aggregates);
  std::vector<float> want = in, tops;
  for (unsigned i = 0; i < n; i++)
    if (i % 32) want[i] = std::max(want[i], want[i - 1]);
  for (unsigned i = 31; i < n; i += 32) tops.push_back(want[i]);
  CHECK(program.down<float>(out, n) == want);
  CHECK(program.down<float>(aggregates, n / 32) == tops);
}

namespace {

/// Sum within the bound of any order of addition; maximum of the first `valid` exactly.
template <class T> void checkReduce(Program& program, const char* kernel) {
  const unsigned n = kBlocks * kThreads;
  for (int valid : {1, 33, 100, 127}) {
    const std::vector<T> in = program.reals<T>(n, -1, 1);
    const auto out = program.room<T>(2 * kBlocks);
    program.run(kernel, kBlocks, kThreads, program.up(in), out, valid);
    const auto got = program.down<T>(out, 2 * kBlocks);
    for (unsigned b = 0; b < kBlocks; b++) {
      long double sum = 0, magnitude = 0;
      for (unsigned i = 0; i < kThreads; i++) sum += in[b * kThreads + i], magnitude += std::fabs(in[b * kThreads + i]);
      CHECK(std::fabs(static_cast<double>(got[2 * b] - sum)) <= kThreads * std::numeric_limits<T>::epsilon() / 2 * static_cast<double>(magnitude));
      CHECK_EQ(got[2 * b + 1], *std::max_element(in.begin() + b * kThreads, in.begin() + b * kThreads + valid));
    }
  }
}

}  // namespace

CORPUS_TEST("block reductions of float and double", "cub") {
  checkReduce<float>(program, "reduceFloatWarps");
  checkReduce<float>(program, "reduceFloatRaking");
  checkReduce<double>(program, "reduceDoubleCommutative");
  checkReduce<double>(program, "reduceDoubleWarps");
}

CORPUS_TEST("warp reductions, segmented and in eights", "cub") {
  const unsigned n = kBlocks * kThreads;
  const std::vector<int> in = program.integers(n, -100, 100);
  std::vector<int> heads = program.integers(n, 0, 4);
  for (int& h : heads) h = h == 0;
  const auto sums = program.room<int>(n / 32), segments = program.room<int>(n);
  program.run("warpReduce", kBlocks, kThreads, program.up(in), program.up(heads), sums, segments);
  const auto gotSums = program.down<int>(sums, n / 32), gotSegments = program.down<int>(segments, n);
  for (unsigned i = 0; i < n; i++) {
    if (i % 32 == 0) CHECK_EQ(gotSums[i / 32], std::accumulate(in.begin() + i, in.begin() + i + 32, 0));
    if (!heads[i] && i % 32) continue;
    int s = in[i];
    for (unsigned j = i + 1; j % 32 && !heads[j]; j++) s += in[j];
    CHECK_EQ(gotSegments[i], s);
  }
  const std::vector<float> reals = program.reals<float>(n, -9, 9);
  const auto minima = program.room<float>(n / 8);
  program.run("warpReduceEight", kBlocks, kThreads, program.up(reals), minima);
  const auto got = program.down<float>(minima, n / 8);
  for (unsigned i = 0; i < n; i += 8) CHECK_EQ(got[i / 8], *std::min_element(reals.begin() + i, reals.begin() + i + 8));
}

CORPUS_TEST("histograms", "cub") {
  std::vector<unsigned char> in(kCount);
  for (unsigned i = 0; i < kCount; i++) in[i] = static_cast<unsigned char>(i % 3 ? program.random() : 77);
  std::vector<unsigned> want(kBlocks * 256);
  for (unsigned i = 0; i < kCount; i++) want[i / kTile * 256 + in[i]]++;
  for (const char* kernel : {"histogramSort", "histogramAtomic"}) {
    const auto out = program.room<unsigned>(kBlocks * 256);
    program.run(kernel, kBlocks, kThreads, program.up(in), out);
    CHECK(program.down<unsigned>(out, kBlocks * 256) == want);
  }
}

CORPUS_TEST("load, store, exchange", "cub") {
  std::vector<short> in(kCount), want(kCount);
  for (auto& x : in) x = static_cast<short>(program.random());
  for (int valid : {int(kTile), 301}) {
    for (unsigned i = 0; i < kCount; i++)
      want[i] = static_cast<short>((static_cast<int>(i % kTile) < valid ? in[i] : short(-7)) + static_cast<int>(i % kTile / kItems));
    for (const char* kernel : {"loadTranspose", "loadVectorize"}) {
      const auto out = program.room<short>(kCount);
      program.run(kernel, kBlocks, kThreads, program.up(in), out, valid);
      CHECK(program.down<short>(out, kCount) == want);
    }
  }
  std::vector<int> values = program.integers(kCount, -9999, 9999), ranks(kCount), scattered(kCount);
  std::iota(ranks.begin(), ranks.end(), 0);
  for (int& r : ranks) r %= static_cast<int>(kTile);
  eachTile(ranks, kTile, [&](auto b, auto e) { std::shuffle(b, e, program.random); });
  for (unsigned i = 0; i < kCount; i++) scattered[i / kTile * kTile + static_cast<unsigned>(ranks[i])] = values[i];
  const auto out = program.room<int>(kCount);
  program.run("exchange", kBlocks, kThreads, program.up(values), program.up(ranks), out);
  CHECK(program.down<int>(out, kCount) == scattered);
}

CORPUS_TEST("heads and adjacent differences", "cub") {
  const std::vector<int> in = program.integers(kCount, 0, 2);
  const auto heads = program.room<int>(kCount), differences = program.room<int>(kCount);
  program.run("discontinuity", kBlocks, kThreads, program.up(in), heads, differences);
  std::vector<int> wantHeads(kCount), wantDifferences(kCount);
  for (unsigned i = 0; i < kCount; i++) {
    const bool first = i % kTile == 0;
    wantHeads[i] = first || in[i] != in[i - 1];
    wantDifferences[i] = first ? in[i] : in[i] - in[i - 1];
  }
  CHECK(program.down<int>(heads, kCount) == wantHeads);
  CHECK(program.down<int>(differences, kCount) == wantDifferences);
}

TEST_MAIN

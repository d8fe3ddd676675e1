// SPDX-License-Identifier: Apache-2.0
//
// How fast the interpreter is: millions of thread instructions a second, for plain arithmetic and for a bf16 matrix product
// with cp.async, ldmatrix and mma; with bounds and initialisation checks only, and with everything on; one host thread and
// all. Results are checked. Goals: 300 and 60 on one thread with bounds checks.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "kernel_runner.hpp"

using namespace kernel_test;

namespace {

std::uint16_t bf16(float v) {
  std::uint32_t u;
  std::memcpy(&u, &v, 4);
  return static_cast<std::uint16_t>(u >> 16);
}

// Processor seconds of all threads: on a machine that others use too, the honest divisor for "a core".
double processorSeconds() {
  ::timespec t;
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

template <class Launch> void measure(const char* what, Device& d, Launch launch) {
  for (const bool everything : {false, true})
    for (const unsigned threads : {1u, std::max(1u, std::thread::hardware_concurrency())}) {
      d.options = Options{};
      d.options.hostThreads = threads;
      if (!everything) {
        d.options.counters = false;
        for (const Check c : {Check::SharedRace, Check::WarpRace, Check::GlobalRace}) d.options.checks[static_cast<std::size_t>(c)] = false;
      }
      std::vector<double> rates, perCore;
      bool right = true;
      for (int k = 0; k < 5; ++k) {
        const double cpu = processorSeconds();
        const auto begin = std::chrono::steady_clock::now();
        const LaunchResult r = launch(right);
        const std::chrono::duration<double> s = std::chrono::steady_clock::now() - begin;
        right &= r.fault == Fault::None && r.reports.empty();
        rates.push_back(static_cast<double>(r.counters.threadInstructions) / s.count() / 1e6);
        perCore.push_back(static_cast<double>(r.counters.threadInstructions) / (processorSeconds() - cpu) / 1e6);
      }
      std::sort(rates.begin(), rates.end());
      std::sort(perCore.begin(), perCore.end());
      std::printf("%-10s %-22s %2u thread%s  %7.0f a second, %7.0f a processor second%s\n", what,
                  everything ? "all checks, counters" : "bounds, initialisation", threads, threads == 1 ? " " : "s", rates[2], perCore[2], right ? "" : "  WRONG RESULT");
    }
}

}  // namespace

int main(int argc, char** argv) {
  std::printf("Millions of thread instructions, medians of 5\n");
  const std::string text = readFile(argc > 1 ? argv[1] : KOFN_BENCH_PTX);
  Device d;
  if (!d.load(text)) {
    std::fprintf(stderr, "%s", d.log.c_str());
    return 1;
  }
  const auto out = d.memory.allocate(1024 * 256 * 4);
  measure("arithmetic", d, [&](bool&) { return d.launch("mix", {1024}, {256}, Arguments() << out << 400); });

  const int m = 512, n = 512, k = 512;
  std::vector<std::uint16_t> a(m * k), b(n * k);
  std::vector<float> fa(m * k), fb(n * k);
  for (int i = 0; i < m * k; ++i) a[i] = bf16(fa[i] = static_cast<float>((i * 7) % 13 - 6));
  for (int i = 0; i < n * k; ++i) b[i] = bf16(fb[i] = static_cast<float>((i * 5) % 11 - 5));
  const auto pa = d.upload(a), pb = d.upload(b), py = d.memory.allocate(m * n * 4);
  std::vector<float> want(m * n);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j)
      for (int l = 0; l < k; ++l) want[i * n + j] += fa[i * k + l] * fb[j * k + l];   // small integers: exact
  measure("bf16 gemm", d, [&](bool& right) {
    const LaunchResult r = d.launch("gemm", {n / 64, m / 64}, {128}, Arguments() << pa << pb << py << n << k);
    right &= d.download<float>(py, m * n) == want;
    return r;
  });
  return 0;
}

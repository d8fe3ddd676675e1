// SPDX-License-Identifier: Apache-2.0
//
// Seeded defects: each check reports the kernel that has its defect, names the line, and says nothing about the twin
// without it; with the check switched off it is silent.
#include "check.hpp"
#include "kernel_runner.hpp"

using namespace kernel_test;

namespace {

struct Defect {
  const char* name;      // of the pair bad.../good...
  Check check;
  Fault fault;           // that the bad kernel ends with
  Dim3 grid, block;
  int n;
  std::uint32_t dynamicShared;
};

const Defect kDefects[] = {
    {"GlobalBounds", Check::OutOfBounds, Fault::IllegalAddress, {1}, {96}, 64, 0},
    {"SharedBounds", Check::OutOfBounds, Fault::IllegalAddress, {1}, {64}, 1, 256},
    {"Aligned", Check::Misaligned, Fault::MisalignedAddress, {1}, {32}, 0, 0},
    {"SharedInit", Check::UninitialisedShared, Fault::None, {1}, {64}, 33, 0},
    {"LocalInit", Check::UninitialisedLocal, Fault::None, {1}, {32}, 3, 0},
    {"Register", Check::UninitialisedRegister, Fault::None, {1}, {32}, 1, 0},
    {"Race", Check::SharedRace, Fault::None, {1}, {64}, 0, 0},
    {"LoopRace", Check::SharedRace, Fault::None, {1}, {64}, 4, 0},
    {"WarpRace", Check::WarpRace, Fault::None, {1}, {32}, 0, 0},
    {"HalfWarpRace", Check::WarpRace, Fault::None, {1}, {32}, 0, 0},
    {"GlobalRace", Check::GlobalRace, Fault::None, {4}, {32}, 0, 0},
    {"LastBlock", Check::GlobalRace, Fault::None, {8}, {32}, 0, 0},
    {"DivergentBarrier", Check::DivergentBarrier, Fault::LaunchFailed, {1}, {64}, 16, 0},
    {"BarrierMismatch", Check::BarrierMismatch, Fault::LaunchFailed, {1}, {64}, 1, 0},
    {"Shuffle", Check::PartialShuffle, Fault::LaunchFailed, {1}, {32}, 16, 0},
    {"Async", Check::AsyncCopyUnwaited, Fault::None, {1}, {32}, 0, 0},
};

LaunchResult launch(Device& d, const char* prefix, const Defect& f) {
  const std::vector<int> zeros(64 + 256);
  const auto a = f.check == Check::OutOfBounds ? d.upload(std::vector<int>(64)) : d.upload(zeros);
  return d.launch(std::string(prefix) + f.name, f.grid, f.block, Arguments() << a << f.n, f.dynamicShared);
}

template <class F> void onEach(F f) {
  int found = 0;
  for (const int arch : {80, 90, 100}) {
    const std::string text = readFile(std::string(KOFN_PTX_DIR) + "/defects.sm_" + std::to_string(arch) + ".ptx");
    if (text.empty()) continue;
    ++found;
    Device d(arch / 10, arch % 10);
    CHECK(d.load(text));
    CHECK_EQ(d.log, "");
    if (d.module) f(d);
  }
  if (!found) SKIP("no nvcc");
}

}  // namespace

TEST("each defect is reported, with kernel, line, source and seed") {
  onEach([](Device& d) {
    for (const Defect& f : kDefects)
      for (const std::uint64_t seed : {1, 7, 23}) {
        d.options = Options{};
        d.options.seed = seed;
        const LaunchResult r = launch(d, "bad", f);
        if (!reported(r, f.check)) check::fail(__FILE__, __LINE__, std::string(f.name) + " is not reported as " + std::string(name(f.check)) + describe(r));
        if (r.fault != f.fault) check::fail(__FILE__, __LINE__, std::string(f.name) + " ends with fault " + std::to_string(static_cast<int>(r.fault)) + describe(r));
        for (const Report& p : r.reports) {
          if (p.check != f.check) check::fail(__FILE__, __LINE__, std::string(f.name) + " has another finding: " + p.toString());
          CHECK_EQ(p.kernel, std::string("bad") + f.name);
          CHECK(p.ptxLine > 0);
          CHECK(p.instruction.find(';') != std::string::npos);
          CHECK(p.sourceFile.find("defects.cu") != std::string::npos || p.sourceFile.find("pipeline") != std::string::npos || p.sourceFile.find("sm_") != std::string::npos);
          CHECK_EQ(p.seed, seed);
        }
      }
  });
}

TEST("the corrected twins are clean") {
  onEach([](Device& d) {
    for (const Defect& f : kDefects)
      for (const std::uint64_t seed : {1, 7, 23}) {
        d.options = Options{};
        d.options.seed = seed;
        const LaunchResult r = launch(d, "good", f);
        if (r.fault != Fault::None || !r.reports.empty()) check::fail(__FILE__, __LINE__, std::string("good") + f.name + describe(r));
      }
  });
}

TEST("each check can be switched off") {
  onEach([](Device& d) {
    for (const Defect& f : kDefects) {
      d.options = Options{};
      d.options.checks[static_cast<std::size_t>(f.check)] = false;
      const LaunchResult r = launch(d, "bad", f);
      if (reported(r, f.check)) check::fail(__FILE__, __LINE__, std::string(f.name) + " is reported though switched off");
    }
  });
}

TEST("use after free and uninitialised global memory") {
  onEach([](Device& d) {
    const auto in = d.memory.allocate(128), out = d.memory.allocate(128);
    LaunchResult r = d.launch("copyAll", {1}, {32}, Arguments() << in << out);
    CHECK(reported(r, Check::UninitialisedGlobal));
    CHECK_EQ(static_cast<int>(r.fault), 0);
    d.memory.fill(in, 5, 4, 32);
    r = d.launch("copyAll", {1}, {32}, Arguments() << in << out);
    CHECK_EQ(describe(r), "");
    CHECK_EQ(d.download<int>(out, 32)[31], 6);
    CHECK(d.memory.release(in));
    CHECK(!d.memory.release(in));
    r = d.launch("copyAll", {1}, {32}, Arguments() << in << out);
    CHECK(reported(r, Check::UseAfterFree));
    CHECK_EQ(static_cast<int>(r.fault), 700);
    CHECK(d.memory.allocate(128) > out);
  });
}

TEST("races between launches that nothing orders") {
  onEach([](Device& d) {
    const auto a = d.upload(std::vector<int>(64)), b = d.upload(std::vector<int>(64));
    LaunchRequest q;
    q.function = d.module->function("copyAll");
    q.grid = {1};
    q.block = {32};
    q.parameters = (Arguments() << a << b).bytes;
    q.launchId = 1;
    q.happensAfter = [](std::uint64_t) { return false; };
    CHECK_EQ(describe(run(q, d.options)), "");
    q.launchId = 2;
    q.parameters = (Arguments() << b << a).bytes;
    CHECK(reported(run(q, d.options), Check::GlobalRace));
    q.launchId = 3;
    q.happensAfter = [](std::uint64_t) { return true; };
    CHECK_EQ(describe(run(q, d.options)), "");
  });
}

TEST_MAIN

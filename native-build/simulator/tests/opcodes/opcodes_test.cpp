// SPDX-License-Identifier: Apache-2.0
//
// Every register-to-register form that the engine announces, executed as PTX text over boundary values and compared with
// an oracle that reads the spelling. The list of forms is the engine's own table: a form that the oracle does not know
// fails, so a new instruction cannot arrive without a test.
#include <cstdio>
#include <map>

#include "check.hpp"
#include "engine/optable.hpp"
#include "device.hpp"
#include "opcodes/form.hpp"
#include "opcodes/kernel.hpp"
#include "opcodes/values.hpp"

namespace opcodes {
namespace {

constexpr int kThreads = 128, kBlocks = 8, kCases = kThreads * kBlocks;

struct Job { Subject subject; Oracle oracle; };

std::string lower(std::string s) {
  for (char& c : s) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return s;
}

bool isInteger(const std::string& type) {
  bool yes = false;
  withInteger(type, [&](auto) { yes = type[0] != 'b'; });
  return yes;
}

/// The jobs that exercise one announced form; none when the oracle does not understand it.
std::vector<Job> jobsFor(const std::string& form, const std::string& operands, num::Approx approx = {}) {
  const std::size_t equals = operands.find('=');
  if (equals == std::string::npos) return {};
  Subject s{.form = form, .results = lower(operands.substr(0, equals)), .sources = lower(operands.substr(equals + 1))};
  const Form parsed(form);
  std::vector<Job> jobs;
  const std::vector<std::uint64_t> tables = s.sources.find('i') == std::string::npos
      ? std::vector<std::uint64_t>{0} : std::vector<std::uint64_t>{0x80, 0x01, 0xca, 0x96, 0xfe, 0x3c};
  for (std::uint64_t immediate : tables) {
    const auto oracle = oracleFor(form, immediate, approx);
    if (!oracle) return {};
    s.immediate = immediate;
    s.carryIn = oracle->carryIn;
    s.carryOut = oracle->carryOut;
    jobs.push_back({s, *oracle});
    if (!s.carryIn && !s.carryOut) {
      Subject guarded = s;
      guarded.guarded = true;
      jobs.push_back({guarded, *oracle});
    }
    const bool packedSetp = s.results == "pp" && isPacked(parsed.type());
    if (parsed.op == "setp" && !packedSetp) {  // with one destination and with two
      Subject other = s;
      other.results = s.results.size() == 1 ? "pp" : "p";
      jobs.push_back({other, *oracle});
    }
    if (parsed.op == "cvt") {
      s.integerResult = isInteger(parsed.type(0));
      s.integerSource = isInteger(parsed.type(1));
      s.wider = s.integerResult || s.integerSource;
      if (s.wider) jobs.push_back({s, *oracle});
    }
  }
  return jobs;
}

/// What the register holds, for a result of `letter` in a register of `bits`: an integer result extends.
std::uint64_t inRegister(std::uint64_t value, char letter, int bits, bool extendSign) {
  const int own = operandBits(letter);
  if (own == 64) return value;
  value &= (std::uint64_t{1} << own) - 1;
  if (extendSign && value >> (own - 1) & 1) value |= ~std::uint64_t{0} << own;
  return bits == 64 ? value : bits == 1 ? value & 1 : value & ((std::uint64_t{1} << bits) - 1);
}

bool agree(std::uint64_t got, std::uint64_t want, bool anyNaN64) {
  if (got == want) return true;
  const auto isNaN = [](std::uint64_t b) { return (b & 0x7fffffffffffffff) > 0x7ff0000000000000; };
  return anyNaN64 && isNaN(got) && isNaN(want);
}

void compare(const Job& job, const std::vector<std::uint64_t>& in, const std::vector<std::uint64_t>& got) {
  const Subject& s = job.subject;
  const auto sources = static_cast<std::size_t>(s.sourceCells()), results = static_cast<std::size_t>(s.resultCells());
  int bad = 0;
  const Form form(s.form);
  const bool extendSign = form.op == "cvt" && form.type()[0] == 's';
  for (std::size_t i = 0; i < kCases; i++) {
    // Sources arrive as their register's low bits; immediates take no cell, and the oracles do not read them from one.
    std::uint64_t cells[8] = {}, want[4] = {};
    std::copy_n(&in[i * sources], sources, cells);
    job.oracle.compute(cells, want);
    for (std::size_t r = 0; r < results; r++) {
      const bool carry = r >= s.results.size();
      const char letter = carry ? 'p' : s.results[r];
      const int bits = carry ? 1 : registerBits(letter, s.wider && s.integerResult);
      const bool kept = s.guarded && skipped(i % kThreads);
      const std::uint64_t before = bits == 1 ? 1 : bits == 64 ? kUntouched : kUntouched & ((std::uint64_t{1} << bits) - 1);
      const std::uint64_t expected = kept ? before : inRegister(want[r], letter, bits, extendSign);
      const std::uint64_t found = got[i * results + r];
      if (agree(found, expected, job.oracle.anyNaN64) || ++bad > 2) continue;
      char text[300];
      std::snprintf(text, sizeof text, "%s: result %zu of (%#llx, %#llx, %#llx, %#llx) is %#llx, not %#llx", s.title().c_str(), r,
                    static_cast<unsigned long long>(cells[0]), static_cast<unsigned long long>(cells[1]),
                    static_cast<unsigned long long>(cells[2]), static_cast<unsigned long long>(cells[3]),
                    static_cast<unsigned long long>(found), static_cast<unsigned long long>(expected));
      check::fail(__FILE__, __LINE__, text);
    }
  }
}

void runBatch(simtest::Device& device, const std::vector<Job>& jobs) {
  std::vector<Subject> subjects;
  for (const Job& j : jobs) subjects.push_back(j.subject);
  const auto module = device.load(moduleText(subjects));
  std::mt19937_64 random(12345);
  for (std::size_t k = 0; k < jobs.size(); k++) {
    const Subject& s = subjects[k];
    const auto sources = static_cast<std::size_t>(s.sourceCells()), results = static_cast<std::size_t>(s.resultCells());
    std::vector<std::uint64_t> in(kCases * sources);
    for (int i = 0; i < kCases; i++) {
      std::size_t cell = static_cast<std::size_t>(i) * sources, first = cell, n = 0;
      for (char c : s.sources)
        if (c != 'i') in[cell] = operandValue(i, n++, operandBits(c), &in[first], random), cell++;
      if (s.carryIn) in[cell] = random() & 1;
    }
    const std::uint64_t a = device.upload(in), b = device.allocate(kCases * results * 8);
    try {
      device.launch(*module, "k" + std::to_string(k), {kBlocks}, {kThreads}, a, b);
      compare(jobs[k], in, device.download<std::uint64_t>(b, kCases * results));
    } catch (const std::exception& e) {
      check::fail(__FILE__, __LINE__, s.title() + ": " + e.what());
    }
    device.memory.release(a);
    device.memory.release(b);
  }
}

}  // namespace

TEST("every announced register form computes what its spelling says") {
  simtest::Device device(10, 0);
  device.options.counters = false;
  std::map<std::string, int> covered;  // by opcode
  std::vector<Job> batch;
  int forms = 0, jobs = 0;
  const auto& announced = kofn::sim::OpTable::instance().forms();
  for (const auto& [form, shape] : std::map(announced.begin(), announced.end())) {
    if (form[0] == '#') continue;  // the decoder's own helpers: moves_test has the instructions that use them
    const std::vector<Job> mine = jobsFor(form, shape.operands);
    if (mine.empty()) {
      check::fail(__FILE__, __LINE__, "no oracle knows " + form + " (" + shape.operands + "): extend tests/opcodes");
      continue;
    }
    forms++, jobs += static_cast<int>(mine.size());
    covered[form.substr(0, form.find('.'))]++;
    batch.insert(batch.end(), mine.begin(), mine.end());
    if (batch.size() >= 200) runBatch(device, batch), batch.clear();
  }
  runBatch(device, batch);
  for (const auto& [op, count] : covered) std::printf("  %-9s %4d forms\n", op.c_str(), count);
  std::printf("%d forms in %d variants, %d cases each\n", forms, jobs, kCases);
  CHECK(forms > 2000);
}

TEST("worst-case approximation: the values that numerics calls worst, by the launch's seed") {
  simtest::Device device(10, 0);
  device.options.worstApproximation = true;
  for (std::uint64_t seed : {3u, 4u}) {
    device.options.seed = seed;
    std::vector<Job> jobs;
    for (const auto& [form, shape] : kofn::sim::OpTable::instance().forms())
      if (form.find(".approx") != std::string::npos || form.find(".full") != std::string::npos)
        for (const Job& j : jobsFor(form, shape.operands, {true, seed})) jobs.push_back(j);
    CHECK(jobs.size() >= 60);
    runBatch(device, jobs);
  }
}

}  // namespace opcodes

TEST_MAIN

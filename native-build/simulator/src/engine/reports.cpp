// SPDX-License-Identifier: Apache-2.0
//
// Findings: made where they happen, merged by (check, instruction), said in words.
#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "engine/interpreter.hpp"

namespace kofn::sim {
namespace {

std::string trimmed(const std::string& s) {
  const std::size_t a = s.find_first_not_of(" \t\r"), b = s.find_last_not_of(" \t\r");
  return a == std::string::npos ? std::string() : s.substr(a, b - a + 1);
}

}  // namespace

std::string_view name(Check check) {
  switch (check) {
    case Check::OutOfBounds: return "out-of-bounds";
    case Check::UseAfterFree: return "use-after-free";
    case Check::Misaligned: return "misaligned";
    case Check::UninitialisedGlobal: return "uninitialised-global";
    case Check::UninitialisedShared: return "uninitialised-shared";
    case Check::UninitialisedLocal: return "uninitialised-local";
    case Check::UninitialisedRegister: return "uninitialised-register";
    case Check::SharedRace: return "shared-race";
    case Check::WarpRace: return "warp-race";
    case Check::GlobalRace: return "global-race";
    case Check::DivergentBarrier: return "divergent-barrier";
    case Check::PartialShuffle: return "partial-shuffle";
    case Check::BarrierMismatch: return "barrier-mismatch";
    case Check::AsyncCopyUnwaited: return "async-copy-unwaited";
    case Check::Count: break;
  }
  return "unknown";
}

std::string Report::toString() const {
  char text[512];
  std::snprintf(text, sizeof text, "%s %s: kernel %s, block (%u,%u,%u), thread (%u,%u,%u), PTX line %u: %s\n    ",
                severity == Severity::Error ? "error" : "warning", check ? std::string(sim::name(*check)).c_str() : "fault", kernel.substr(0, 200).c_str(),
                block.x, block.y, block.z, thread.x, thread.y, thread.z, ptxLine, instruction.substr(0, 120).c_str());
  std::string out = text + this->text;
  if (!sourceFile.empty()) out += "\n    at " + sourceFile + ":" + std::to_string(sourceLine);
  std::snprintf(text, sizeof text, "\n    %" PRIu64 " time%s, seed %" PRIu64, occurrences, occurrences == 1 ? "" : "s", seed);
  return out + text;
}

Report makeReport(const Launch& launch, const Block& block, std::uint32_t thread, std::uint32_t pc, std::optional<Check> check, Severity severity,
                  std::uint64_t address, std::string text) {
  const Program& p = *launch.program;
  const Dim3& size = launch.request->block;
  Report r;
  r.check = check;
  r.severity = severity;
  r.kernel = p.info.name;
  r.block = block.index;
  r.thread = {thread % size.x, thread / size.x % size.y, thread / size.x / size.y};
  r.ptxLine = p.lines[pc].ptxLine;
  r.instruction = trimmed(p.texts[pc]);
  if (const auto f = p.files.find(p.lines[pc].file); f != p.files.end() && p.lines[pc].fileLine) {
    r.sourceFile = f->second;
    r.sourceLine = p.lines[pc].fileLine;
  }
  r.address = address;
  r.text = std::move(text);
  r.seed = launch.options->seed;
  return r;
}

void report(Warp& w, std::uint32_t pc, int lane, std::optional<Check> check, Severity severity, std::uint64_t address, std::string text) {
  const std::uint64_t key = std::uint64_t{pc} << 8 | (check ? static_cast<std::uint64_t>(*check) : 255);
  auto& list = w.worker->findings.list;
  for (auto& [k, r] : list)
    if (k == key) {
      ++r.occurrences;
      return;
    }
  list.emplace_back(key, makeReport(*w.launch, *w.block, w.index * 32 + static_cast<std::uint32_t>(lane), pc, check, severity, address, std::move(text)));
}

void fault(Warp& w, Fault code, const std::string& text) {
  const std::lock_guard lock(w.launch->mutex);
  if (w.launch->fault == Fault::None) {
    w.launch->fault = code;
    w.launch->faultText = text;
  }
  w.launch->stop = true;
  w.event = kStop;
}

std::vector<Report> mergeFindings(std::deque<Worker>& workers, std::uint32_t most) {
  std::vector<std::pair<std::uint64_t, Report>> all;
  for (Worker& worker : workers)
    for (auto& [key, r] : worker.findings.list) {
      const auto it = std::find_if(all.begin(), all.end(), [&](const auto& e) { return e.first == key; });
      if (it == all.end()) all.emplace_back(key, std::move(r));
      else it->second.occurrences += r.occurrences;
    }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Report> out;
  for (auto& [key, r] : all)
    if (out.size() < most) out.push_back(std::move(r));
  return out;
}

}  // namespace kofn::sim

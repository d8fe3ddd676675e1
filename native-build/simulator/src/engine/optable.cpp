// SPDX-License-Identifier: Apache-2.0
#include "engine/optable.hpp"

#include <cstdio>
#include <cstdlib>

namespace kofn::sim {

// One a lanes_*.cpp file.
void announceIntegers(OpTable&, Announce);
void announceBits(OpTable&, Announce);
void announceFloats(OpTable&, Announce);
void announceHalves(OpTable&, Announce);
void announceConversions(OpTable&, Announce);
void announceComparisons(OpTable&, Announce);
void announceMoves(OpTable&, Announce);
void announceApproximations(OpTable&, Announce);

namespace {

void addTo(OpTable& table, const char* form, const char* operands, InstructionClass cls, Handler handler, std::int64_t imm) {
  table.add(form, operands, cls, handler, imm);
}

OpTable build() {
  OpTable t;
  const Announce announce{addTo};
  announceIntegers(t, announce);
  announceBits(t, announce);
  announceFloats(t, announce);
  announceHalves(t, announce);
  announceConversions(t, announce);
  announceComparisons(t, announce);
  announceMoves(t, announce);
  announceApproximations(t, announce);
  return t;
}

}  // namespace

const OpTable& OpTable::instance() {
  static const OpTable table = build();
  return table;
}

const OpForm* OpTable::find(std::string_view form) const {
  const auto it = forms_.find(std::string(form));
  return it == forms_.end() ? nullptr : &it->second;
}

void OpTable::add(const char* form, const char* operands, InstructionClass cls, Handler handler, std::int64_t imm) {
  if (!forms_.try_emplace(form, OpForm{handler, operands, cls, imm}).second) {
    std::fprintf(stderr, "kofn simulator: the instruction %s is announced twice\n", form);
    std::abort();
  }
}

}  // namespace kofn::sim

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include "engine/decoder.hpp"

namespace kofn::sim {

using Kind = ptx::Operand::Kind;
using ptx::Space;

namespace {

struct SpecialName {
  std::string_view name;
  Special special;
};
constexpr SpecialName kSpecials[] = {
    {"%tid.x", Special::TidX}, {"%tid.y", Special::TidY}, {"%tid.z", Special::TidZ},
    {"%ntid.x", Special::NtidX}, {"%ntid.y", Special::NtidY}, {"%ntid.z", Special::NtidZ},
    {"%ctaid.x", Special::CtaidX}, {"%ctaid.y", Special::CtaidY}, {"%ctaid.z", Special::CtaidZ},
    {"%nctaid.x", Special::NctaidX}, {"%nctaid.y", Special::NctaidY}, {"%nctaid.z", Special::NctaidZ},
    {"%laneid", Special::LaneId}, {"%warpid", Special::WarpId}, {"%nwarpid", Special::NWarpId},
    {"%smid", Special::SmId}, {"%nsmid", Special::NSmId}, {"%gridid", Special::GridId},
    {"%lanemask_eq", Special::LaneMaskEq}, {"%lanemask_lt", Special::LaneMaskLt}, {"%lanemask_le", Special::LaneMaskLe},
    {"%lanemask_gt", Special::LaneMaskGt}, {"%lanemask_ge", Special::LaneMaskGe},
    {"%dynamic_smem_size", Special::DynamicSmem}, {"%total_smem_size", Special::TotalSmem}, {"%aggr_smem_size", Special::TotalSmem},
    // Every block is its own cluster of one.
    {"%clusterid.x", Special::CtaidX}, {"%clusterid.y", Special::CtaidY}, {"%clusterid.z", Special::CtaidZ},
    {"%nclusterid.x", Special::NctaidX}, {"%nclusterid.y", Special::NctaidY}, {"%nclusterid.z", Special::NctaidZ},
    {"%cluster_ctaid.x", Special::Zero}, {"%cluster_ctaid.y", Special::Zero}, {"%cluster_ctaid.z", Special::Zero},
    {"%cluster_nctaid.x", Special::One}, {"%cluster_nctaid.y", Special::One}, {"%cluster_nctaid.z", Special::One},
    {"%cluster_ctarank", Special::Zero}, {"%cluster_nctarank", Special::One},
};

unsigned letterBytes(char c) {
  switch (c) {
    case 'q': case 'b': return 1;
    case 'h': case 's': return 2;
    case 'r': case 'w': return 4;
    case 'l': return 8;
    default: return 0;
  }
}
bool letterSigned(char c) { return c == 'b' || c == 's' || c == 'w'; }

bool isFloatForm(std::string_view form) {
  for (const std::string_view t : {".f32", ".f64", ".f16", ".bf16", ".f16x2", ".bf16x2"})
    if (form.size() > t.size() && form.substr(form.size() - t.size()) == t) return true;
  return false;
}

}  // namespace

// --------------------------------------------------------------------------------------------------------------------
// Sources

std::uint32_t Decoder::constant(std::uint64_t bits, unsigned bytes) {
  if (bytes < 8) bits &= (1ull << (8 * bytes)) - 1;
  auto [it, fresh] = constants_.try_emplace({bits, bytes}, 0);
  if (fresh) it->second = newSlot(bytes);
  return it->second;
}

std::uint32_t Decoder::special(Special s) {
  auto [it, fresh] = specials_.try_emplace(s, 0);
  if (fresh) it->second = newSlot(s == Special::GridId ? 8 : 4);
  return it->second;
}

unsigned Decoder::registerBytes(const Operand& o) const {
  return ptx::bytesOf(body_->source->registers[static_cast<std::size_t>(o.reg)].type);
}

std::uint32_t Decoder::source(const Operand& o, unsigned bytes) {
  switch (o.kind) {
    case Kind::Register: {
      if (o.negated || !o.items.empty()) refuse();
      if (registerBytes(o) != bytes) fail("register " + std::string(o.name) + " has the wrong size for '" + std::string(at_->opcode) + "'");
      const std::uint32_t slot = body_->slots[static_cast<std::size_t>(o.reg)];
      pendingUses_.push_back(slot);
      return slot;
    }
    case Kind::Integer: {
      const auto high = static_cast<std::int64_t>(o.bits) >> (bytes < 8 ? 8 * bytes : 63);
      if (bytes < 8 && high != 0 && static_cast<std::int64_t>(o.bits) >> (8 * bytes - 1) != -1)
        fail("constant does not fit " + std::to_string(8 * bytes) + " bits");
      return constant(o.bits, bytes);
    }
    case Kind::Float32:
      if (bytes != 4) fail("a 32-bit floating-point constant where " + std::to_string(8 * bytes) + " bits are needed");
      return constant(o.bits, 4);
    case Kind::Float64:
      if (bytes == 4) return constant(std::bit_cast<std::uint32_t>(static_cast<float>(std::bit_cast<double>(o.bits))), 4);
      if (bytes != 8) fail("a 64-bit floating-point constant where " + std::to_string(8 * bytes) + " bits are needed");
      return constant(o.bits, 8);
    case Kind::Special: return specialSource(o, bytes);
    case Kind::Variable: return variableSource(o, bytes);
    case Kind::Function: {
      if (bytes != 8) fail("a function's address needs 64 bits");
      const auto it = symbols_.functions.find(o.function);
      if (it == symbols_.functions.end()) fail("'" + o.function->name + "' has no address");
      return constant(it->second, 8);
    }
    default: refuse();
  }
}

// A register wider than the operand contributes its low bits.
std::uint32_t Decoder::wideSource(const Operand& o, unsigned bytes) {
  if (o.kind != Kind::Register || !o.items.empty() || o.negated) return source(o, bytes);
  const unsigned have = registerBytes(o);
  if (have == bytes) return source(o, bytes);
  if (have < bytes) fail("register " + std::string(o.name) + " is too small for '" + std::string(at_->opcode) + "'");
  const std::uint32_t from = source(o, have), to = newSlot(bytes);
  step(("#fit." + std::to_string(have) + "." + std::to_string(bytes)).c_str(), to, from);
  return to;
}

void Decoder::step(const char* name, std::uint32_t d, std::uint32_t a) {
  const OpForm* f = OpTable::instance().find(name);
  if (!f) refuse();
  Instr i;
  i.run = f->handler;
  i.d = d;
  i.a = a;
  emitStep(i);
}

std::uint32_t Decoder::predicateSource(const Operand& o) {
  if (o.kind == Kind::Integer && !o.negated) {   // mov.pred p, -1 and the like
    if (o.bits) return allOnes_;
    const std::uint32_t slot = newSlot(0);
    program_->constants.emplace_back(slot, std::vector<std::byte>(4));
    return slot;
  }
  if (o.kind == Kind::Special && o.name == "%is_explicit_cluster" && !o.negated) {
    Operand no;
    no.kind = Kind::Integer;
    return predicateSource(no);
  }
  if (o.kind != Kind::Register || registerBytes(o) != 0 || !o.items.empty()) fail("a predicate is needed");
  const std::uint32_t slot = body_->slots[static_cast<std::size_t>(o.reg)];
  pendingUses_.push_back(slot);
  if (!o.negated) return slot;
  const std::uint32_t inverted = newSlot(0);
  step("not.pred", inverted, slot);
  return inverted;
}

std::uint32_t Decoder::specialSource(const Operand& o, unsigned bytes) {
  for (const SpecialName& s : kSpecials)
    if (s.name == o.name) {
      const unsigned have = s.special == Special::GridId ? 8 : 4;
      if (have == bytes) return special(s.special);
      if (have == 4 && bytes == 8) fail("special register " + std::string(o.name) + " has 32 bits");
      const std::uint32_t to = newSlot(bytes);
      step(("#fit." + std::to_string(have) + "." + std::to_string(bytes)).c_str(), to, special(s.special));
      return to;
    }
  const bool clock = o.name == "%clock" || o.name == "%clock_hi" || o.name == "%globaltimer_lo" || o.name == "%globaltimer_hi";
  const bool clock64 = o.name == "%clock64" || o.name == "%globaltimer";
  if ((clock && bytes == 4) || (clock64 && bytes == 8)) {
    Instr i;
    i.run = readClock;
    i.d = newSlot(bytes);
    i.imm = bytes * 8;
    i.flags = o.name.size() > 3 && o.name.substr(o.name.size() - 3) == "_hi";
    emitStep(i);
    return i.d;
  }
  fail("unknown special register '" + std::string(o.name) + "'");
}

// The address of a variable plus a constant, in its own space.
std::uint32_t Decoder::variableSource(const Operand& o, unsigned bytes) {
  const ptx::Variable& v = *o.variable;
  if (bytes != 8 && bytes != 4) fail("the address of '" + v.name + "' needs 32 or 64 bits");
  switch (v.space) {
    case Space::Global:
    case Space::Const:
      if (bytes != 8) fail("the address of '" + v.name + "' needs 64 bits");
      return constant(symbols_.globals.at(&v) + o.bits, 8);
    case Space::Shared: return constant(shared_.at(&v) + o.bits, bytes);
    case Space::Local: {
      const std::uint64_t offset = body_->locals.at(&v) + o.bits;
      if (!body_->frame->recursive) return constant(offset, bytes);
      if (bytes != 8) fail("the address of a recursive function's local variable needs 64 bits");
      Instr i;
      i.run = OpTable::instance().find("#add64")->handler;
      i.d = newSlot(8);
      i.a = body_->frame->localBase;
      i.imm = static_cast<std::int64_t>(offset);
      emitStep(i);
      return i.d;
    }
    case Space::Param:
      if (const auto it = kernelParams_.find(&v); it != kernelParams_.end() && bytes == 8) return constant(it->second + o.bits, 8);
      fail("the address of parameter '" + v.name + "' cannot be taken here");
    case Space::Register: break;
  }
  refuse();
}

// --------------------------------------------------------------------------------------------------------------------
// Destinations

std::uint32_t Decoder::destination(const Operand& o, unsigned bytes) {
  if (o.kind == Kind::Sink) return newSlot(bytes);
  if (o.kind != Kind::Register || !o.items.empty() || o.negated) refuse();
  if (registerBytes(o) != bytes) fail("register " + std::string(o.name) + " has the wrong size for '" + std::string(at_->opcode) + "'");
  const std::uint32_t slot = body_->slots[static_cast<std::size_t>(o.reg)];
  pendingDefinitions_.push_back(slot);
  return slot;
}

std::uint32_t Decoder::predicateDestination(const Operand& o) {
  if (o.kind == Kind::Sink) return newSlot(0);
  if (o.kind != Kind::Register || registerBytes(o) != 0 || o.negated) fail("a predicate register is needed");
  const std::uint32_t slot = body_->slots[static_cast<std::size_t>(o.reg)];
  pendingDefinitions_.push_back(slot);
  return slot;
}

// The result goes to a temporary of its own width; a step after the instruction extends it into the register.
void Decoder::wideDestination(const Operand& o, unsigned bytes, bool isSigned, std::uint32_t& slot) {
  if (o.kind != Kind::Register || registerBytes(o) == bytes) {
    slot = destination(o, bytes);
    return;
  }
  const unsigned have = registerBytes(o);
  if (have < bytes) fail("register " + std::string(o.name) + " is too small for '" + std::string(at_->opcode) + "'");
  const OpForm* f = OpTable::instance().find((isSigned ? "#fit.s" : "#fit.") + std::to_string(bytes) + "." + std::to_string(have));
  if (!f) refuse();
  slot = newSlot(bytes);
  Instr i;
  i.run = f->handler;
  i.a = slot;
  i.d = destination(o, have);
  pendingSteps_.push_back(i);
}

void Decoder::flushDestinations() {
  for (Instr& i : pendingSteps_) {
    emitStep(i);
    Instr& placed = program_->code.back();
    if (at_->guard >= 0) {
      placed.guard = body_->slots[static_cast<std::size_t>(at_->guard)];
      placed.guardFlip = at_->guardNegated ? ~0u : 0;
    }
  }
  pendingSteps_.clear();
}

// --------------------------------------------------------------------------------------------------------------------
// Instructions of the OpTable

bool Decoder::computes(std::string_view name) {
  std::string form(name);
  const auto& operands = at_->operands;
  const bool two = !operands.empty() && operands[0].kind == Kind::Register && !operands[0].items.empty();
  const OpForm* f = OpTable::instance().find(form);
  if (form[0] == '#') return false;
  if (two && f && f->operands[0] == 'p' && f->operands[1] == '=') f = OpTable::instance().find("#2" + form);
  if (!f) return false;
  applyForm(*f, form);
  return true;
}

void Decoder::applyForm(const OpForm& form, std::string_view name) {
  if (form.operands == "-") refuse();
  const std::size_t equals = form.operands.find('=');
  const std::string destinations = form.operands.substr(0, equals), sources = form.operands.substr(equals + 1);
  const auto& operands = at_->operands;
  if (operands.size() != 1 + sources.size())
    fail("'" + std::string(name) + "' takes " + std::to_string(1 + sources.size()) + " operands, not " + std::to_string(operands.size()));
  Instr i;
  i.run = form.handler;
  i.imm = form.imm;
  std::uint32_t* const places[] = {&i.a, &i.b, &i.c, &i.e};
  const bool convert = name.substr(0, 4) == "cvt.";
  for (std::size_t k = 0; k < sources.size(); ++k) {
    const char letter = sources[k];
    const Operand& o = operands[k + 1];
    if (letter == 'p') *places[k] = predicateSource(o);
    else if (letter == 'i') {
      if (o.kind != Kind::Integer) fail("operand " + std::to_string(k + 2) + " has to be a constant");
      i.imm = static_cast<std::int64_t>(o.bits);
    } else {
      if (o.kind == Kind::Integer && isFloatForm(name) && !(name.substr(0, 4) == "slct" || convert))
        fail("an integer constant where a floating-point value is needed");
      *places[k] = convert ? wideSource(o, letterBytes(letter)) : source(o, letterBytes(letter));
    }
  }
  // Destinations: one operand, or a pair p|q.
  Operand first = operands[0], second;
  if (!first.items.empty()) {
    second = first.items[0];
    first.items.clear();
  }
  const char letter = destinations[0];
  if (letter == 'p') i.d = predicateDestination(first);
  else if (convert) wideDestination(first, letterBytes(letter), letterSigned(letter), i.d);
  else i.d = destination(first, letterBytes(letter));
  if (destinations.size() == 2) {
    i.flags = second.kind == Kind::Register;
    if (destinations[1] == 'p' && operands[0].items.empty()) refuse();
    i.d2 = predicateDestination(second);
  } else if (!operands[0].items.empty()) {
    refuse();
  }
  emit(i, form.cls);
}

// --------------------------------------------------------------------------------------------------------------------
// mov

bool Decoder::move() {
  if (words_[0] != "mov" || words_.size() != 2 || at_->operands.size() != 2) return false;
  const ptx::Type type = ptx::typeFromName(words_[1]);
  const Operand &d = at_->operands[0], &s = at_->operands[1];
  const unsigned bytes = ptx::bytesOf(type);
  if (d.kind == Kind::Vector || s.kind == Kind::Vector) {
    if (bytes == 0 || words_[1][0] != 'b') refuse();
    moveVector(d, s, bytes);
    return true;
  }
  return false;
}

void Decoder::moveVector(const Operand& d, const Operand& s, unsigned bytes) {
  if (d.kind == Kind::Vector && s.kind == Kind::Vector) refuse();
  const auto parts = d.kind == Kind::Vector ? d.items.size() : s.items.size();
  if ((parts != 2 && parts != 4) || bytes > 8 || bytes < parts) refuse();
  const auto part = static_cast<unsigned>(bytes / parts);
  const std::string tail = ".b" + std::to_string(8 * bytes);
  const auto form = [&](const std::string& name) {
    const OpForm* f = OpTable::instance().find(name);
    if (!f) refuse();
    return f->handler;
  };
  Instr i;
  if (s.kind == Kind::Vector) {
    std::uint32_t* const places[] = {&i.a, &i.b, &i.c, &i.e};
    for (std::size_t k = 0; k < parts; ++k) *places[k] = wideSource(s.items[k], part);
    i.d = destination(d, bytes);
    i.run = form((parts == 4 ? "#pack4" : "#pack") + tail);
    emit(i, InstructionClass::Move);
    return;
  }
  if (parts == 4) {   // two halves of two
    if (bytes != 8) refuse();
    const std::uint32_t whole = source(s, 8), low = newSlot(4), high = newSlot(4);
    Instr split;
    split.run = form("#unpack.b64");
    split.a = whole;
    split.d = low;
    split.d2 = high;
    emit(split, InstructionClass::Move);
    for (int h = 0; h < 2; ++h) {
      Instr u;
      u.run = form("#unpack.b32");
      u.a = h ? high : low;
      u.d = destination(d.items[static_cast<std::size_t>(2 * h)], 2);
      u.d2 = destination(d.items[static_cast<std::size_t>(2 * h + 1)], 2);
      emit(u, InstructionClass::Count);
    }
    return;
  }
  i.a = source(s, bytes);
  wideDestination(d.items[0], part, false, i.d);
  wideDestination(d.items[1], part, false, i.d2);
  i.run = form("#unpack" + tail);
  emit(i, InstructionClass::Move);
}

}  // namespace kofn::sim

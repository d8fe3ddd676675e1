// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "engine/decoder.hpp"
#include "numerics/numerics.hpp"

namespace kofn::sim {

using Kind = ptx::Operand::Kind;

bool Decoder::control() {
  const std::string_view op = at_->opcode;
  const auto& operands = at_->operands;
  Instr i;
  if (op == "bra" || op == "bra.uni") {
    if (operands.size() != 1 || operands[0].kind != Kind::Label) fail("a label is needed");
    i.run = branch;
    branchFixups_.emplace_back(static_cast<std::uint32_t>(program_->code.size()), operands[0].label);
    emit(i, InstructionClass::Branch);
  } else if (op == "brx.idx" || op == "brx.idx.uni") {
    if (operands.size() != 2 || operands[1].kind != Kind::Prototype) fail("a register and a list of targets are needed");
    const auto list = body_->source->branchTargets.find(operands[1].name);
    if (list == body_->source->branchTargets.end()) fail("unknown list of targets");
    i.a = source(operands[0], 4);
    Extra* extra = newExtra();
    for (const int label : list->second) extra->slots.push_back(static_cast<std::uint32_t>(label));
    extra->pointer = body_->source;   // labels become instruction indices when the body is complete
    i.extra = extra;
    i.run = branchIndexed;
    emit(i, InstructionClass::Branch);
  } else if (op == "call" || op == "call.uni") {
    callFunction();
  } else if (op == "ret" || op == "ret.uni" || op == "exit") {
    if (!operands.empty()) refuse();
    i.run = body_->isEntry || op == "exit" ? exitLanes : returnFrom;
    i.target = numbers_.at(body_->source);
    emit(i, InstructionClass::Branch);
  } else if (op == "trap" || op == "brkpt") {
    if (!operands.empty()) refuse();
    i.run = op == "trap" ? trap : nothing;
    emit(i, InstructionClass::Other);
  } else if (op == "nanosleep.u32") {
    if (operands.size() != 1) refuse();
    source(operands[0], 4);
    i.run = nothing;
    emit(i, InstructionClass::Other);
  } else if (op == "griddepcontrol.wait" || op == "griddepcontrol.launch_dependents") {
    // A launch begins when everything before it has ended: there is nothing to wait for and nothing to release.
    if (!operands.empty()) refuse();
    i.run = nothing;
    emit(i, InstructionClass::Other);
  } else if (words_[0] == "bar" || words_[0] == "barrier") {
    barriers();
  } else if (words_[0] == "mma") {
    matrixMultiply();
  } else if (op == "movmatrix.sync.aligned.m8n8.trans.b16") {
    if (operands.size() != 2) refuse();
    i.a = source(operands[1], 4);
    i.d = destination(operands[0], 4);
    i.run = moveMatrix;
    emit(i, InstructionClass::MatrixLoad);
  } else if (op == "mapa.u64" || op == "mapa.shared::cluster.u32" || op == "mapa.u32") {
    refuse();
  } else {
    return false;
  }
  return true;
}

// --------------------------------------------------------------------------------------------------------------------
// Calls

std::vector<Passed> Decoder::passed(const Operand& list, const std::vector<std::unique_ptr<ptx::Variable>>* formals) {
  if (list.kind != Kind::List) fail("a list of parameters in parentheses is needed");
  if (formals && formals->size() != list.items.size()) fail("the call passes " + std::to_string(list.items.size()) + " parameters, the function has " + std::to_string(formals->size()));
  std::vector<Passed> out;
  for (std::size_t k = 0; k < list.items.size(); ++k) {
    const Operand& o = list.items[k];
    const auto p = o.kind == Kind::Variable ? body_->params.find(o.variable) : body_->params.end();
    if (p == body_->params.end()) fail("a call passes .param variables of the caller");
    if (formals && (*formals)[k]->bytes != o.variable->bytes) fail("parameter '" + o.variable->name + "' has the wrong size");
    out.push_back({p->second[0], p->second[1], static_cast<std::uint32_t>(o.variable->bytes)});
  }
  return out;
}

void Decoder::callFunction() {
  const auto& o = at_->operands;
  std::size_t k = 0;
  const Operand *results = nullptr, *target = nullptr, *parameters = nullptr;
  if (k < o.size() && o[k].kind == Kind::List) results = &o[k++];
  if (k < o.size()) target = &o[k++];
  if (k < o.size() && o[k].kind == Kind::List) parameters = &o[k++];
  if (k < o.size() && o[k].kind == Kind::Prototype) ++k;
  if (!target || k != o.size()) refuse();

  const ptx::Function* f = target->kind == Kind::Function ? target->function : nullptr;
  if (!f && target->kind != Kind::Register) fail("the callee is no function");
  CallSite site;
  if (results) site.results = passed(*results, f ? &f->results : nullptr);
  else if (f && !f->results.empty()) fail("'" + f->name + "' returns a value that the call does not take");
  if (parameters) site.parameters = passed(*parameters, f ? &f->parameters : nullptr);
  else if (f && !f->parameters.empty()) fail("'" + f->name + "' needs parameters");

  Extra* extra = newExtra();
  for (const Passed& p : site.parameters) extra->slots.insert(extra->slots.end(), {p.offset, p.stride, p.bytes});
  for (const Passed& p : site.results) extra->moreSlots.insert(extra->moreSlots.end(), {p.offset, p.stride, p.bytes});
  Instr i;
  i.extra = extra;
  if (f && f->isDeclaration) {
    i.run = systemCallHandler(f->name);
    if (!i.run) fail("function '" + f->name + "' is declared but not defined");
  } else if (f) {
    const auto it = numbers_.find(f);
    if (it == numbers_.end()) fail("'" + f->name + "' cannot be called");
    i.run = call;
    i.target = it->second;
  } else {
    i.a = source(*target, 8);
    i.run = callIndirect;
  }
  emit(i, InstructionClass::Branch);
}

// --------------------------------------------------------------------------------------------------------------------
// bar{.cta}.sync/arrive/red and barrier{.cta}.sync/arrive/red{.aligned}; bar.warp.sync

void Decoder::barriers() {
  const auto& o = at_->operands;
  Instr i;
  if (at_->opcode == "bar.warp.sync") {
    if (o.size() != 1) refuse();
    i.a = source(o[0], 4);
    i.run = warpBarrier;
    emit(i, InstructionClass::WarpSync);
    return;
  }
  std::size_t k = 1;
  const auto word = [&] { return k < words_.size() ? words_[k] : std::string_view(); };
  if (word() == "cta") ++k;
  const std::string_view action = word();
  ++k;
  BarrierReduction reduction = kPlain;
  if (words_[0] == "bar") i.flags |= kAligned;
  if (action == "red") {
    const std::string_view r = word();
    ++k;
    reduction = r == "popc" ? kPopc : r == "and" ? kAnd : r == "or" ? kOr : kPlain;
    if (reduction == kPlain) refuse();
  } else if (action == "arrive") {
    i.flags |= kArriveOnly;
  } else if (action != "sync") {
    refuse();
  }
  if (words_[0] == "barrier" && word() == "aligned") i.flags |= kAligned, ++k;
  if (reduction != kPlain) {
    if (word() != (reduction == kPopc ? "u32" : "pred")) refuse();
    ++k;
  }
  if (k != words_.size()) refuse();

  std::size_t at = reduction == kPlain ? 0 : 1;
  const std::size_t end = o.size() - (reduction == kPlain ? 0 : 1);
  if (o.size() < at + 1 || at >= end || end - at > 2) fail("wrong number of operands");
  if (o[at].kind == Kind::Integer) {
    if (o[at].bits > 15) fail("barriers are numbered 0 to 15");
    i.imm = static_cast<std::int64_t>(o[at].bits);
  } else {
    i.flags |= kBarrierSlot;
    i.a = source(o[at], 4);
  }
  if (end - at == 2) {
    i.flags |= kCountSlot;
    i.b = source(o[at + 1], 4);
  } else if (i.flags & kArriveOnly) {
    fail("bar.arrive needs a thread count");
  }
  if (reduction != kPlain) {
    i.c = predicateSource(o.back());
    i.d = reduction == kPopc ? destination(o[0], 4) : predicateDestination(o[0]);
  }
  i.n = reduction;
  i.run = barrier;
  emit(i, InstructionClass::Barrier);
}

// --------------------------------------------------------------------------------------------------------------------
// shfl, vote, match, redux, activemask

bool Decoder::warpSync() {
  const auto& o = at_->operands;
  Instr i;
  if (at_->opcode == "activemask.b32") {
    if (o.size() != 1) refuse();
    i.d = destination(o[0], 4);
    i.run = activeMask;
    emit(i, InstructionClass::WarpSync);
    return true;
  }
  const SyncForm* f = findSyncForm(at_->opcode);
  if (!f) return false;
  // Letters as in the OpTable: destinations to d, d2; sources to a, b, c, e in order.
  const std::string_view operands(f->operands), destinations = operands.substr(0, operands.find('=')), sources = operands.substr(operands.find('=') + 1);
  if (o.size() != 1 + sources.size()) fail("wrong number of operands");
  std::uint32_t* const places[] = {&i.a, &i.b, &i.c, &i.e};
  for (std::size_t k = 0; k < sources.size(); ++k) {
    const char c = sources[k];
    *places[k] = c == 'p' ? predicateSource(o[k + 1]) : source(o[k + 1], c == 'l' ? 8 : 4);
  }
  Operand first = o[0], second;
  if (!first.items.empty()) {
    second = first.items[0];
    first.items.clear();
  }
  i.d = destinations[0] == 'p' ? predicateDestination(first) : destination(first, destinations[0] == 'l' ? 8 : 4);
  if (destinations.size() == 2) {
    i.flags = second.kind == Kind::Register;
    i.d2 = predicateDestination(second);
  } else if (!o[0].items.empty()) {
    refuse();
  }
  i.run = f->handler;
  emit(i, InstructionClass::WarpSync);
  return true;
}

// --------------------------------------------------------------------------------------------------------------------
// mma.sync.aligned.mMnNkK.row.col{.satfinite}.d.a.b.c

void Decoder::matrixMultiply() {
  using num::MmaType;
  std::size_t k = 1;
  const auto word = [&] { return k < words_.size() ? words_[k] : std::string_view(); };
  const auto need = [&](std::string_view w) {
    if (word() != w) refuse();
    ++k;
  };
  need("sync");
  need("aligned");
  int m = 0, n = 0, depth = 0;
  const std::string shape(word());
  for (const char* s : {"m16n8k16", "m16n8k8", "m16n8k4", "m16n8k32", "m8n8k16", "m8n8k4"})
    if (shape == s) {
      m = std::atoi(s + 1);
      const std::size_t kAt = shape.find('k');
      n = 8;
      depth = std::atoi(s + kAt + 1);
    }
  if (m == 0) refuse();
  ++k;
  need("row");
  need("col");
  const bool satfinite = word() == "satfinite";
  if (satfinite) ++k;
  MmaType types[4];
  for (MmaType& t : types) {
    struct Name { std::string_view name; MmaType type; };
    constexpr Name kNames[] = {{"f16", MmaType::f16}, {"bf16", MmaType::bf16}, {"tf32", MmaType::tf32}, {"f32", MmaType::f32},
                               {"f64", MmaType::f64}, {"s8", MmaType::s8}, {"u8", MmaType::u8}, {"s32", MmaType::s32}};
    bool found = false;
    for (const Name& name : kNames)
      if (name.name == word()) t = name.type, found = true;
    if (!found) refuse();
    ++k;
  }
  if (k != words_.size() || at_->operands.size() != 4) refuse();
  const num::MmaOp op = num::find_mma(m, n, depth, types[0], types[1], types[2], types[3], satfinite);
  if (!op.run) refuse();
  const unsigned bytes = types[0] == MmaType::f64 ? 8 : 4;
  Extra* extra = newExtra();
  const int counts[] = {op.d, op.a, op.b, op.c};
  for (int which = 1; which < 4; ++which) {
    const std::vector<Operand> list = elements(at_->operands[static_cast<std::size_t>(which)]);
    if (static_cast<int>(list.size()) != counts[which]) fail("operand " + std::to_string(which + 1) + " needs " + std::to_string(counts[which]) + " registers");
    for (const Operand& o : list) extra->slots.push_back(source(o, bytes));
  }
  const std::vector<Operand> list = elements(at_->operands[0]);
  if (static_cast<int>(list.size()) != op.d) fail("operand 1 needs " + std::to_string(op.d) + " registers");
  std::vector<std::uint32_t> d;
  for (const Operand& o : list) d.push_back(destination(o, bytes));
  extra->slots.insert(extra->slots.begin(), d.begin(), d.end());
  static_assert(sizeof(op.run) == sizeof(void*));
  extra->moreSlots = {static_cast<std::uint32_t>(op.d), static_cast<std::uint32_t>(op.a), static_cast<std::uint32_t>(op.b), static_cast<std::uint32_t>(op.c)};
  extra->pointer = reinterpret_cast<const void*>(op.run);
  Instr i;
  i.extra = extra;
  i.imm = op.macs;
  i.run = mma;
  emit(i, InstructionClass::Mma);
}

}  // namespace kofn::sim

// SPDX-License-Identifier: Apache-2.0
#include "engine/decoder.hpp"

#include <algorithm>
#include <cstring>

namespace kofn::sim {

using ptx::Space;
using Kind = ptx::Operand::Kind;

namespace {

std::uint32_t roundUp(std::uint64_t v, std::uint64_t to) { return static_cast<std::uint32_t>((v + to - 1) / to * to); }
bool isCall(const ptx::Instruction& i) { return i.opcode == "call" || i.opcode == "call.uni"; }

// The operand that names the callee: the first that is no list.
const ptx::Operand* calleeOperand(const ptx::Instruction& i) {
  for (const ptx::Operand& o : i.operands)
    if (o.kind != Kind::List) return &o;
  return nullptr;
}

constexpr std::uint32_t kLocalStack = 64 * 1024;             // per thread, only where functions recurse
constexpr std::uint32_t kMostRegisterBytes = 16u << 20;

}  // namespace

std::vector<std::string_view> splitOpcode(std::string_view opcode) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at <= opcode.size();) {
    const std::size_t dot = std::min(opcode.find('.', at), opcode.size());
    words.push_back(opcode.substr(at, dot - at));
    at = dot + 1;
  }
  return words;
}

Decoder::Decoder(const ptx::Module& module, const ptx::Function& entry, const Symbols& symbols, const DeviceProperties& properties)
    : module_(module), entry_(entry), symbols_(symbols), properties_(properties), program_(std::make_unique<Program>()) {}

void Decoder::fail(const std::string& what) const { throw ptx::Error(at_ ? at_->line : entry_.line, what); }
void Decoder::refuse() const { fail("unknown instruction '" + std::string(at_->opcode) + "' or unknown form of its operands"); }

std::unique_ptr<Program> Decoder::run() {
  allOnes_ = newSlot(0);
  program_->constants.emplace_back(allOnes_, std::vector<std::byte>(4, std::byte{0xff}));
  reach(&entry_);
  findRecursion();
  layoutShared();
  layoutParameters();
  for (auto& b : bodies_) layoutFrame(*b);
  for (auto& b : bodies_) emitBody(*b);
  resolveTargets();
  finishConstants();
  analyseDefinedness();
  program_->registerBytes = roundUp(top_, 64);
  if (program_->registerBytes > kMostRegisterBytes) fail("'" + entry_.name + "' needs too many registers");
  program_->files = module_.files;
  fillInfo();
  return std::move(program_);
}

// --------------------------------------------------------------------------------------------------------------------
// Functions

void Decoder::reach(const ptx::Function* first) {
  std::vector<const ptx::Function*> todo{first};
  bool indirect = false;
  const auto visit = [&](const ptx::Function* f) {
    if (f->isDeclaration || numbers_.count(f)) return;
    numbers_[f] = static_cast<std::uint32_t>(bodies_.size());
    bodies_.push_back(std::make_unique<Body>());
    bodies_.back()->source = f;
    bodies_.back()->isEntry = f == &entry_;
    bodies_.back()->frame = &program_->frames.emplace_back();
    todo.push_back(f);
  };
  todo.clear();
  visit(first);
  while (!todo.empty()) {
    const ptx::Function* f = todo.back();
    todo.pop_back();
    for (const ptx::Instruction& i : f->body) {
      if (!isCall(i)) continue;
      const ptx::Operand* o = calleeOperand(i);
      if (o && o->kind == Kind::Function) visit(o->function);
      else indirect = true;
    }
    if (todo.empty() && indirect) {
      indirect = false;
      for (const auto& [g, address] : symbols_.functions)
        if (!g->isEntry) visit(g);
    }
  }
  for (const auto& [f, number] : numbers_)
    if (const auto it = symbols_.functions.find(f); it != symbols_.functions.end()) program_->functionAt[it->second] = number;
}

// A function is recursive when it can reach itself; an indirect call can reach every function whose address exists.
void Decoder::findRecursion() {
  const std::size_t n = bodies_.size();
  std::vector<std::vector<std::uint32_t>> calls(n);
  for (std::size_t b = 0; b < n; ++b)
    for (const ptx::Instruction& i : bodies_[b]->source->body) {
      if (!isCall(i)) continue;
      const ptx::Operand* o = calleeOperand(i);
      if (o && o->kind == Kind::Function) {
        if (const auto it = numbers_.find(o->function); it != numbers_.end()) calls[b].push_back(it->second);
      } else {
        for (const auto& [address, number] : program_->functionAt) calls[b].push_back(number);
      }
    }
  for (std::size_t b = 1; b < n; ++b) {
    std::vector<bool> seen(n);
    std::vector<std::uint32_t> todo = calls[b];
    while (!todo.empty()) {
      const std::uint32_t f = todo.back();
      todo.pop_back();
      if (seen[f]) continue;
      seen[f] = true;
      todo.insert(todo.end(), calls[f].begin(), calls[f].end());
    }
    bodies_[b]->frame->recursive = seen[b];
  }
}

// --------------------------------------------------------------------------------------------------------------------
// Layout

std::uint32_t Decoder::newSlot(unsigned laneBytes) {
  if (laneBytes == 0) {   // predicates: sixteen share a cache line
    if (predicateUsed_ == 64) predicateLine_ = newStorage(64, 64), predicateUsed_ = 0;
    predicateUsed_ += 4;
    return predicateLine_ + predicateUsed_ - 4;
  }
  return newStorage(32 * laneBytes, 64);
}

std::uint32_t Decoder::newStorage(std::uint32_t bytes, std::uint32_t alignment) {
  const std::uint32_t at = roundUp(top_, alignment);
  if (std::uint64_t{at} + bytes > kMostRegisterBytes) fail("'" + entry_.name + "' needs too many registers");
  top_ = at + bytes;
  return at;
}

void Decoder::layoutShared() {
  std::uint64_t used = 0;
  std::uint32_t openAlignment = 16;
  std::vector<const ptx::Variable*> open;
  const auto place = [&](const ptx::Variable* v) {
    if (v->space != Space::Shared || shared_.count(v)) return;
    if (v->bytes == 0 || v->isExtern) {
      open.push_back(v);
      openAlignment = std::max(openAlignment, v->alignment);
      shared_[v] = 0;
      return;
    }
    used = roundUp(used, v->alignment);
    shared_[v] = static_cast<std::uint32_t>(used);
    used += v->bytes;
    if (used > (1u << 30)) throw ptx::Error(v->line, "shared variable '" + v->name + "' is too large");
  };
  for (const auto& b : bodies_) {
    for (const auto& v : b->source->variables) place(v.get());
    for (const ptx::Instruction& i : b->source->body)
      for (const ptx::Operand& o : i.operands) {
        if (o.variable) place(o.variable);
        for (const ptx::Operand& item : o.items)
          if (item.variable) place(item.variable);
      }
  }
  program_->staticShared = static_cast<std::uint32_t>(used);
  for (const ptx::Variable* v : open) shared_[v] = roundUp(used, openAlignment);
  if (!open.empty()) program_->staticShared = roundUp(used, openAlignment);
}

void Decoder::layoutParameters() {
  std::uint64_t offset = 0;
  for (const auto& v : entry_.parameters) {
    offset = roundUp(offset, v->alignment);
    kernelParams_[v.get()] = static_cast<std::uint32_t>(offset);
    program_->info.parameters.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(v->bytes), v->alignment});
    offset += v->bytes;
    if (offset > 32764) throw ptx::Error(v->line, "kernel parameters take more than 32764 bytes");
  }
  program_->info.parameterBytes = static_cast<std::uint32_t>(offset);
}

void Decoder::layoutFrame(Body& b) {
  FunctionFrame& f = *b.frame;
  const ptx::Function& source = *b.source;
  f.begin = roundUp(top_, 64);
  top_ = f.begin;
  predicateUsed_ = 64;
  for (const ptx::Register& r : source.registers) {
    const unsigned bytes = ptx::bytesOf(r.type);
    const std::uint32_t slot = newSlot(bytes);
    b.slots.push_back(slot);
    f.columns.emplace_back(slot, bytes);
  }
  const auto storage = [&](const ptx::Variable& v) {
    const std::uint32_t stride = roundUp(v.bytes, 16);
    const std::array<std::uint32_t, 2> place{newStorage(32 * stride, 64), stride};
    b.params[&v] = place;
    f.columns.emplace_back(place[0], stride);
    return place;
  };
  if (!b.isEntry) {
    for (const auto& v : source.parameters) f.parameters.push_back(storage(*v)), f.parameterBytes.push_back(static_cast<std::uint32_t>(v->bytes));
    for (const auto& v : source.results) f.results.push_back(storage(*v)), f.resultBytes.push_back(static_cast<std::uint32_t>(v->bytes));
  }
  std::uint64_t local = f.recursive ? 0 : program_->localBytes;
  for (const auto& v : source.variables) {
    if (v->space == Space::Param) storage(*v);
    if (v->space != Space::Local) continue;
    local = roundUp(local, std::max(v->alignment, 8u));
    b.locals[v.get()] = static_cast<std::uint32_t>(local);
    local += v->bytes;
    if (local > (1u << 19)) throw ptx::Error(v->line, "local variables take more than 512 KiB a thread");
  }
  if (f.recursive) {
    f.localBytes = roundUp(local, 16);
    f.localBase = newSlot(8);
    f.columns.emplace_back(f.localBase, 8);
  } else {
    program_->localBytes = roundUp(local, 16);
  }
  predicateUsed_ = 64;
  f.end = roundUp(top_, 64);
  top_ = f.end;
}

// --------------------------------------------------------------------------------------------------------------------
// Emission

Extra* Decoder::newExtra() { return &program_->extras.emplace_back(); }

Instr& Decoder::emit(Instr i, InstructionClass cls) {
  i.cls = static_cast<std::uint8_t>(cls);
  i.guard = at_ && at_->guard >= 0 ? body_->slots[static_cast<std::size_t>(at_->guard)] : allOnes_;
  i.guardFlip = at_ && at_->guard >= 0 && at_->guardNegated ? ~0u : 0;
  const auto pc = static_cast<std::uint32_t>(program_->code.size());
  if (at_ && at_->guard >= 0) uses_.push_back({pc, i.guard, false});
  for (const std::uint32_t s : pendingUses_) uses_.push_back({pc, s, false});
  for (const std::uint32_t s : pendingDefinitions_) uses_.push_back({pc, s, true});
  pendingUses_.clear();
  pendingDefinitions_.clear();
  program_->code.push_back(i);
  program_->lines.push_back({at_ ? at_->line : 0, at_ ? at_->file : 0, at_ ? at_->fileLine : 0});
  return program_->code.back();
}

Instr& Decoder::emitStep(Instr i) {
  i.cls = static_cast<std::uint8_t>(InstructionClass::Count);
  i.guard = allOnes_;
  program_->code.push_back(i);
  program_->lines.push_back({at_ ? at_->line : 0, at_ ? at_->file : 0, at_ ? at_->fileLine : 0});
  return program_->code.back();
}

void Decoder::emitBody(Body& b) {
  body_ = &b;
  b.frame->entry = static_cast<std::uint32_t>(program_->code.size());
  std::vector<std::uint32_t> start(b.source->body.size() + 1);
  for (std::size_t k = 0; k < b.source->body.size(); ++k) {
    start[k] = static_cast<std::uint32_t>(program_->code.size());
    at_ = &b.source->body[k];
    words_ = splitOpcode(at_->opcode);
    pendingUses_.clear();
    pendingDefinitions_.clear();
    if (!move() && !memory() && !control() && !warpSync() && !computes(at_->opcode)) refuse();
    flushDestinations();
  }
  start.back() = static_cast<std::uint32_t>(program_->code.size());
  // Running off the end is a return.
  Instr last;
  last.run = b.isEntry ? exitLanes : returnFrom;
  last.target = numbers_.at(b.source);
  const Instruction* const lastInstruction = at_;
  at_ = nullptr;
  emit(last, InstructionClass::Count);
  program_->lines.back() = {lastInstruction ? lastInstruction->line : b.source->line, 0, 0};
  for (const std::uint32_t l : b.source->labels) b.labels.push_back(start[l]);
  for (const auto& [pc, label] : branchFixups_) program_->code[pc].target = b.labels[static_cast<std::size_t>(label)];
  branchFixups_.clear();
  for (Extra& e : program_->extras)   // brx.idx tables of this body
    if (e.pointer == b.source) {
      for (std::uint32_t& t : e.slots) t = b.labels[t];
      e.pointer = nullptr;
    }
}

void Decoder::resolveTargets() {
  for (const auto& b : bodies_)
    if (b->frame->recursive) {
      program_->localStack = program_->localBytes;
      program_->localBytes += kLocalStack;
      break;
    }
  program_->texts.reserve(program_->lines.size());
  for (const SourceLine& l : program_->lines)
    program_->texts.push_back(l.ptxLine >= 1 && l.ptxLine <= symbols_.lines.size() ? symbols_.lines[l.ptxLine - 1] : std::string());
}

void Decoder::finishConstants() {
  for (const auto& [key, slot] : constants_) {
    const auto& [bits, bytes] = key;
    std::vector<std::byte> image(32 * bytes);
    for (unsigned l = 0; l < 32; ++l) std::memcpy(image.data() + l * bytes, &bits, bytes);
    program_->constants.emplace_back(slot, std::move(image));
  }
  for (const auto& [s, slot] : specials_) program_->specials.emplace_back(s, slot);
}

void Decoder::fillInfo() {
  FunctionInfo& info = program_->info;
  info.name = entry_.name;
  const auto product = [](const std::uint32_t (&v)[3]) { return std::uint64_t{v[0]} * v[1] * v[2]; };
  info.maxThreadsPerBlock = properties_.maxThreadsPerBlock;
  if (entry_.maxThreads[0]) info.maxThreadsPerBlock = static_cast<std::uint32_t>(std::min<std::uint64_t>(product(entry_.maxThreads), properties_.maxThreadsPerBlock));
  if (entry_.requiredThreads[0]) {
    info.requiredBlock = {entry_.requiredThreads[0], entry_.requiredThreads[1], entry_.requiredThreads[2]};
    info.maxThreadsPerBlock = static_cast<std::uint32_t>(std::min<std::uint64_t>(product(entry_.requiredThreads), properties_.maxThreadsPerBlock));
  }
  info.minBlocksPerMultiprocessor = entry_.minBlocks;
  info.staticShared = program_->staticShared;
  info.localBytes = program_->localBytes;
  for (const auto& v : module_.variables)
    if (v->space == Space::Const) info.constBytes += static_cast<std::uint32_t>(v->bytes);
  for (const ptx::Register& r : entry_.registers) info.registers += ptx::bytesOf(r.type) == 8 ? 2 : ptx::bytesOf(r.type) ? 1 : 0;
  info.registers = std::clamp(info.registers, 16u, 255u);
  info.ptxVersion = module_.version;
  info.targetArch = module_.target;
}

}  // namespace kofn::sim

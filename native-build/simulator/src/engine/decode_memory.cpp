// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/decoder.hpp"

namespace kofn::sim {

using Kind = ptx::Operand::Kind;
using ptx::Space;

// What the modifiers of ld and st say.
struct Decoder::MemoryForm {
  Window window = Window::Generic;
  bool param = false, entryOnly = false, constant = false;
  std::uint16_t flags = 0;
  unsigned vector = 1;
  ptx::Type type = ptx::Type::None;
  bool cachePolicy = false;
};

namespace {

bool isOneOf(std::string_view w, std::initializer_list<std::string_view> list) { return std::find(list.begin(), list.end(), w) != list.end(); }

bool isCacheHint(std::string_view w) {
  return isOneOf(w, {"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate", "L2::evict_normal",
                     "L2::evict_first", "L2::evict_last", "L2::64B", "L2::128B", "L2::256B"});
}

}  // namespace

Decoder::MemoryForm Decoder::memoryForm(std::vector<std::string_view> words, bool isStore) const {
  MemoryForm f;
  bool space = false, scope = false, scopeNeeded = false, order = false, vector = false, cached = false;
  if (words.empty()) refuse();
  f.type = ptx::typeFromName(words.back());
  if (ptx::bytesOf(f.type) == 0) refuse();
  words.pop_back();
  const auto once = [&](bool& flag) {
    if (flag) refuse();
    flag = true;
  };
  for (const std::string_view w : words) {
    if (isOneOf(w, {"weak"})) once(order);
    else if (isOneOf(w, {"volatile"})) once(order), f.flags |= kStrong;
    else if (isOneOf(w, {"relaxed"})) once(order), f.flags |= kStrong, scopeNeeded = true;
    else if (w == "acquire" && !isStore) once(order), f.flags |= kStrong | kAcquire, scopeNeeded = true;
    else if (w == "release" && isStore) once(order), f.flags |= kStrong | kRelease, scopeNeeded = true;
    else if (isOneOf(w, {"cta", "cluster", "gpu", "sys"})) once(scope);
    else if (w == "global") once(space), f.window = Window::Global;
    else if (isOneOf(w, {"shared", "shared::cta", "shared::cluster"})) once(space), f.window = Window::Shared;
    else if (w == "local") once(space), f.window = Window::Local;
    else if (w == "const" && !isStore) once(space), f.window = Window::Global, f.constant = true;
    else if (isOneOf(w, {"param", "param::func"}) || (w == "param::entry" && !isStore)) once(space), f.param = true, f.entryOnly = w == "param::entry";
    else if (isOneOf(w, {"ca", "cg", "cs", "lu", "cv"}) && !isStore) once(cached);
    else if (isOneOf(w, {"wb", "cg", "cs", "wt"}) && isStore) once(cached);
    else if (w == "nc" && !isStore && f.window == Window::Global) f.flags |= kReadOnly;
    else if (isOneOf(w, {"v2", "v4", "v8"})) once(vector), f.vector = static_cast<unsigned>(w[1] - '0');
    else if (w == "L2::cache_hint") once(f.cachePolicy);
    else if (!isCacheHint(w)) refuse();
  }
  if (scope != scopeNeeded) refuse();
  if (f.vector * ptx::bytesOf(f.type) > 32 || ptx::bytesOf(f.type) == 16) refuse();
  return f;
}

std::vector<ptx::Operand> Decoder::elements(const Operand& o) {
  if (o.kind == Kind::Vector) return o.items;
  return {o};
}

bool Decoder::memory() {
  const std::string_view op = words_[0];
  if (op == "ld" || op == "ldu") load();
  else if (op == "st") store();
  else if (op == "atom") atomic(false);
  else if (op == "red" && words_.size() > 1 && words_[1] != "async") atomic(true);
  else if (op == "cp") asyncCopies();
  else if (op == "ldmatrix") matrixLoad(false);
  else if (op == "stmatrix") matrixLoad(true);
  else if (op == "cvta" || op == "isspacep") convertAddress();
  else if (op == "prefetch" || op == "prefetchu") {
    if (!isOneOf(at_->opcode, {"prefetch.global.L1", "prefetch.global.L2", "prefetch.local.L1", "prefetch.local.L2", "prefetch.L1", "prefetch.L2",
                               "prefetch.global.L2::evict_last", "prefetch.global.L2::evict_normal", "prefetchu.L1"}) ||
        at_->operands.size() != 1 || at_->operands[0].kind != Kind::Address)
      refuse();
    Instr i;
    i.run = prefetch;
    emit(i, InstructionClass::Other);
  } else if (op == "membar" || op == "fence") {
    const std::string_view o = at_->opcode;
    const bool block = isOneOf(o, {"membar.cta", "fence.cta", "fence.sc.cta", "fence.acq_rel.cta"});
    const bool wide = isOneOf(o, {"membar.gl", "membar.sys", "fence.gpu", "fence.sys", "fence.sc.gpu", "fence.sc.sys", "fence.acq_rel.gpu",
                                  "fence.acq_rel.sys", "fence.sc.cluster", "fence.acq_rel.cluster"});
    if (!(block || wide) || !at_->operands.empty()) refuse();
    Instr i;
    i.run = fence;
    i.flags = wide;
    emit(i, InstructionClass::Barrier);
  } else {
    return false;
  }
  return true;
}

// Address operand to a, imm and the width flags. Variables become constants (or a step, for recursive functions).
void Decoder::fillAddress(Instr& i, const Operand& o, Window window, std::int64_t*) {
  if (o.kind != Kind::Address) fail("an address in brackets is needed");
  if (o.reg >= 0) {
    Operand r;
    r.kind = Kind::Register;
    r.reg = o.reg;
    const unsigned bytes = registerBytes(r);
    if (bytes != 4 && bytes != 8) fail("an address register has 32 or 64 bits");
    if (bytes == 4 && (window == Window::Global || window == Window::Generic)) fail("a global address needs a 64-bit register");
    i.a = source(r, bytes);
    if (bytes == 4) i.flags |= kAddress32;
    i.imm = static_cast<std::int64_t>(o.bits);
  } else if (o.variable) {
    const Space s = o.variable->space;
    const bool right = (window == Window::Global && (s == Space::Global || s == Space::Const)) || (window == Window::Shared && s == Space::Shared) ||
                       (window == Window::Local && s == Space::Local) || (window == Window::Generic && s == Space::Global);
    if (!right) fail("'" + o.variable->name + "' is not in the instruction's state space");
    Operand v = o;
    v.kind = Kind::Variable;
    i.a = variableSource(v, 8);
  } else {
    i.a = constant(o.bits, 8);
  }
}

void Decoder::load() {
  std::vector<std::string_view> words(words_.begin() + 1, words_.end());
  if (words_[0] == "ldu" && (words.empty() || words[0] != "global")) refuse();
  const MemoryForm f = memoryForm(words, false);
  const std::size_t expected = 2 + (f.cachePolicy ? 1 : 0);
  if (at_->operands.size() != expected) fail("wrong number of operands");
  if (f.cachePolicy) source(at_->operands[2], 8);
  const std::vector<Operand> d = elements(at_->operands[0]);
  if (d.size() != f.vector) fail("the destination needs " + std::to_string(f.vector) + " registers");
  const unsigned bytes = ptx::bytesOf(f.type);
  if (f.param) return loadParameter(bytes, ptx::isSigned(f.type), d, at_->operands[1]);
  Instr i;
  i.flags = f.flags;
  fillAddress(i, at_->operands[1], f.window);
  unsigned width = 0;
  Extra* extra = newExtra();
  for (const Operand& o : d) {
    unsigned w = o.kind == Kind::Register ? registerBytes(o) : 0;
    if (o.kind != Kind::Sink && (w < bytes || (width && w != width))) fail("destination registers of the wrong size");
    if (w) width = w;
  }
  if (width == 0) width = std::max(bytes, 2u);
  for (const Operand& o : d) extra->slots.push_back(destination(o, width));
  i.extra = extra;
  i.n = static_cast<std::uint8_t>(f.vector);
  i.run = loadHandler(f.window, bytes, width, ptx::isSigned(f.type));
  if (!i.run) refuse();
  emit(i, f.window == Window::Shared ? InstructionClass::SharedLoad : f.window == Window::Local ? InstructionClass::Local : InstructionClass::GlobalLoad);
}

void Decoder::store() {
  const MemoryForm f = memoryForm({words_.begin() + 1, words_.end()}, true);
  const std::size_t expected = 2 + (f.cachePolicy ? 1 : 0);
  if (at_->operands.size() != expected) fail("wrong number of operands");
  if (f.cachePolicy) source(at_->operands[2], 8);
  const std::vector<Operand> s = elements(at_->operands[1]);
  if (s.size() != f.vector) fail("the source needs " + std::to_string(f.vector) + " registers");
  const unsigned bytes = ptx::bytesOf(f.type);
  if (f.param) return storeParameter(bytes, s, at_->operands[0]);
  Instr i;
  i.flags = f.flags;
  fillAddress(i, at_->operands[0], f.window);
  unsigned width = 0;
  for (const Operand& o : s)
    if (o.kind == Kind::Register) {
      if (registerBytes(o) < bytes || (width && registerBytes(o) != width)) fail("source registers of the wrong size");
      width = registerBytes(o);
    }
  if (width == 0) width = bytes;
  Extra* extra = newExtra();
  for (const Operand& o : s) extra->slots.push_back(source(o, width));
  i.extra = extra;
  i.n = static_cast<std::uint8_t>(f.vector);
  i.run = storeHandler(f.window, bytes, width);
  if (!i.run) refuse();
  emit(i, f.window == Window::Shared ? InstructionClass::SharedStore : f.window == Window::Local ? InstructionClass::Local : InstructionClass::GlobalStore);
}

// --------------------------------------------------------------------------------------------------------------------
// Parameters: the kernel's are a constant block, those of functions are storage in the register file.

void Decoder::loadParameter(unsigned bytes, bool isSigned, const std::vector<Operand>& d, const Operand& address) {
  if (address.kind != Kind::Address) fail("an address in brackets is needed");
  unsigned width = 0;
  for (const Operand& o : d)
    if (o.kind == Kind::Register) {
      if (registerBytes(o) < bytes || (width && registerBytes(o) != width)) fail("destination registers of the wrong size");
      width = registerBytes(o);
    }
  if (width == 0) width = std::max(bytes, 2u);
  Instr i;
  i.n = static_cast<std::uint8_t>(d.size());
  i.imm = static_cast<std::int64_t>(address.bits);
  std::uint64_t size = 0;
  if (address.variable) {
    size = address.variable->bytes;
    if (const auto it = kernelParams_.find(address.variable); it != kernelParams_.end()) {
      i.imm += it->second;
      i.run = loadKernelParameterHandler(bytes, width, isSigned, false);
    } else if (const auto p = body_->params.find(address.variable); p != body_->params.end()) {
      i.a = p->second[0];
      i.c = p->second[1];
      i.run = loadParameterHandler(bytes, width, isSigned);
    } else {
      fail("'" + address.variable->name + "' is no parameter");
    }
    if (address.bits > size || size - address.bits < std::uint64_t{bytes} * d.size()) fail("read beyond the end of parameter '" + address.variable->name + "'");
  } else if (address.reg >= 0 && body_->isEntry) {
    Operand r;
    r.kind = Kind::Register;
    r.reg = address.reg;
    i.a = source(r, 8);
    i.run = loadKernelParameterHandler(bytes, width, isSigned, true);
  } else {
    fail("a parameter is needed");
  }
  Extra* extra = newExtra();
  for (const Operand& o : d) extra->slots.push_back(destination(o, width));
  i.extra = extra;
  if (!i.run) refuse();
  emit(i, InstructionClass::Parameter);
}

void Decoder::storeParameter(unsigned bytes, const std::vector<Operand>& s, const Operand& address) {
  if (address.kind != Kind::Address || !address.variable) fail("a parameter is needed");
  const auto p = body_->params.find(address.variable);
  if (p == body_->params.end()) fail("'" + address.variable->name + "' cannot be written");
  if (address.bits > address.variable->bytes || address.variable->bytes - address.bits < std::uint64_t{bytes} * s.size())
    fail("write beyond the end of parameter '" + address.variable->name + "'");
  unsigned width = 0;
  for (const Operand& o : s)
    if (o.kind == Kind::Register) {
      if (registerBytes(o) < bytes || (width && registerBytes(o) != width)) fail("source registers of the wrong size");
      width = registerBytes(o);
    }
  if (width == 0) width = bytes;
  Instr i;
  i.a = p->second[0];
  i.c = p->second[1];
  i.imm = static_cast<std::int64_t>(address.bits);
  i.n = static_cast<std::uint8_t>(s.size());
  Extra* extra = newExtra();
  for (const Operand& o : s) extra->slots.push_back(source(o, width));
  i.extra = extra;
  i.run = storeParameterHandler(bytes, width);
  if (!i.run) refuse();
  emit(i, InstructionClass::Parameter);
}

// --------------------------------------------------------------------------------------------------------------------
// atom and red: atom{.sem}{.scope}{.space}.op{.level::cache_hint}.type or atom{.space}{.sem}{.scope}... : nvcc emits both.

void Decoder::atomic(bool reduction) {
  std::vector<std::string_view> words(words_.begin() + 1, words_.end());
  if (words.empty()) refuse();
  const ptx::Type type = ptx::typeFromName(words.back());
  words.pop_back();
  Window window = Window::Generic;
  std::string_view operation;
  std::uint16_t flags = kStrong;
  bool space = false, scope = false, order = false, policy = false, noftz = false;
  const auto once = [&](bool& flag) {
    if (flag) refuse();
    flag = true;
  };
  for (const std::string_view w : words) {
    if (isOneOf(w, {"relaxed"})) once(order);
    else if (w == "acquire" && !reduction) once(order), flags |= kAcquire;
    else if (w == "release") once(order), flags |= kRelease;
    else if (w == "acq_rel" && !reduction) once(order), flags |= kAcquire | kRelease;
    else if (isOneOf(w, {"cta", "cluster", "gpu", "sys"})) once(scope);
    else if (w == "global") once(space), window = Window::Global;
    else if (isOneOf(w, {"shared", "shared::cta", "shared::cluster"})) once(space), window = Window::Shared;
    else if (w == "noftz") once(noftz);
    else if (w == "L2::cache_hint") once(policy);
    else if (operation.empty()) operation = w;
    else refuse();
  }
  const bool half = ptx::Type::F16 == type || type == ptx::Type::F16x2 || type == ptx::Type::BF16 || type == ptx::Type::BF16x2;
  if (noftz != (half && operation == "add")) refuse();
  const bool cas = operation == "cas";
  if (reduction && (cas || operation == "exch")) refuse();
  const std::size_t first = reduction ? 0 : 1, expected = first + 2 + (cas ? 1 : 0) + (policy ? 1 : 0);
  if (at_->operands.size() != expected) fail("wrong number of operands");
  if (policy) source(at_->operands.back(), 8);
  const unsigned bytes = ptx::bytesOf(type);
  Instr i;
  i.flags = flags;
  fillAddress(i, at_->operands[first], window);
  i.b = source(at_->operands[first + 1], bytes);
  if (cas) i.c = source(at_->operands[first + 2], bytes);
  if (reduction || at_->operands[0].kind == Kind::Sink) i.flags |= kNoResult;
  else i.d = destination(at_->operands[0], bytes);
  i.run = atomicHandler(window, operation, type);
  if (!i.run) refuse();
  emit(i, window == Window::Shared ? InstructionClass::SharedAtomic : InstructionClass::GlobalAtomic);
}

// --------------------------------------------------------------------------------------------------------------------
// cp.async, ldmatrix, stmatrix, cvta

void Decoder::asyncCopies() {
  const auto& w = words_;
  if (w.size() < 3 || w[1] != "async") refuse();
  Instr i;
  if (w[2] == "commit_group" && w.size() == 3 && at_->operands.empty()) {
    i.run = asyncCommit;
    emit(i, InstructionClass::AsyncCopy);
    return;
  }
  if (w[2] == "wait_all" && w.size() == 3 && at_->operands.empty()) {
    i.run = asyncWait;
    i.imm = -1;
    emit(i, InstructionClass::AsyncCopy);
    return;
  }
  if (w[2] == "wait_group" && w.size() == 3 && at_->operands.size() == 1 && at_->operands[0].kind == Kind::Integer) {
    i.run = asyncWait;
    i.imm = static_cast<std::int64_t>(std::min<std::uint64_t>(at_->operands[0].bits, 1u << 30));
    emit(i, InstructionClass::AsyncCopy);
    return;
  }
  if (w[2] != "ca" && w[2] != "cg") refuse();
  std::size_t k = 3;
  if (k + 1 >= w.size() || (w[k] != "shared" && w[k] != "shared::cta") || w[k + 1] != "global") refuse();
  bool policy = false;
  for (k += 2; k < w.size(); ++k) {
    if (w[k] == "L2::cache_hint" && !policy) policy = true;
    else if (!isOneOf(w[k], {"L2::64B", "L2::128B", "L2::256B"})) refuse();
  }
  std::size_t count = at_->operands.size();
  if (policy && count >= 4) source(at_->operands[--count], 8);
  else if (policy) refuse();
  if (count < 3 || count > 4 || at_->operands[2].kind != Kind::Integer) refuse();
  const std::uint64_t bytes = at_->operands[2].bits;
  if (!(bytes == 16 || (w[2] == "ca" && (bytes == 4 || bytes == 8)))) fail("cp.async copies 4, 8 or 16 bytes (.cg: 16)");
  fillAddress(i, at_->operands[0], Window::Shared);
  Instr from;
  fillAddress(from, at_->operands[1], Window::Global);
  Extra* extra = newExtra();
  extra->slots = {static_cast<std::uint32_t>(from.imm), static_cast<std::uint32_t>(static_cast<std::uint64_t>(from.imm) >> 32)};
  i.b = from.a;
  i.extra = extra;
  i.n = static_cast<std::uint8_t>(bytes);
  if (count == 4) {
    const Operand& o = at_->operands[3];
    if (o.kind == Kind::Register && registerBytes(o) == 0) {
      i.flags |= kIgnoreSource;
      i.c = predicateSource(o);
    } else {
      i.flags |= kHasSourceSize;
      i.c = source(o, 4);
    }
  }
  i.run = asyncCopy;
  emit(i, InstructionClass::AsyncCopy);
}

void Decoder::matrixLoad(bool isStore) {
  bool shape = false, sync = false, aligned = false, space = false, trans = false, type = false;
  unsigned n = 0;
  const auto once = [&](bool& flag) {
    if (flag) refuse();
    flag = true;
  };
  for (std::size_t k = 1; k < words_.size(); ++k) {
    const std::string_view w = words_[k];
    if (w == "sync") once(sync);
    else if (w == "aligned") once(aligned);
    else if (w == "m8n8") once(shape);
    else if (isOneOf(w, {"x1", "x2", "x4"}) && n == 0) n = static_cast<unsigned>(w[1] - '0');
    else if (w == "trans") once(trans);
    else if (isOneOf(w, {"shared", "shared::cta"})) once(space);
    else if (w == "b16" && k + 1 == words_.size()) once(type);
    else refuse();
  }
  if (!sync || !aligned || !shape || n == 0 || !type || at_->operands.size() != 2) refuse();
  const Operand &registers = at_->operands[isStore ? 1 : 0], &address = at_->operands[isStore ? 0 : 1];
  const std::vector<Operand> list = elements(registers);
  if (list.size() != n) fail("x" + std::to_string(n) + " needs " + std::to_string(n) + " registers");
  Instr i;
  fillAddress(i, address, space ? Window::Shared : Window::Generic);
  if (!space) i.flags |= 512;   // generic address
  if (trans) i.flags |= kTransposed;
  i.n = static_cast<std::uint8_t>(n);
  Extra* extra = newExtra();
  for (const Operand& o : list) extra->slots.push_back(isStore ? source(o, 4) : destination(o, 4));
  i.extra = extra;
  i.run = isStore ? storeMatrix : loadMatrix;
  emit(i, InstructionClass::MatrixLoad);
}

void Decoder::convertAddress() {
  const auto base = [&](std::string_view w) -> std::int64_t {
    if (w == "global" || w == "const") return 0;
    if (isOneOf(w, {"shared", "shared::cta", "shared::cluster"})) return static_cast<std::int64_t>(kSharedWindow);
    if (w == "local") return static_cast<std::int64_t>(kLocalWindow);
    if (isOneOf(w, {"param", "param::entry"})) return static_cast<std::int64_t>(kParameterWindow);
    refuse();
  };
  if (at_->operands.size() != 2) fail("wrong number of operands");
  Instr i;
  if (words_[0] == "isspacep") {
    if (words_.size() != 2) refuse();
    i.imm = base(words_[1]);
    i.a = source(at_->operands[1], 8);
    i.d = predicateDestination(at_->operands[0]);
    i.run = addressSpaceTest;
    emit(i, InstructionClass::Predicate);
    return;
  }
  const bool to = words_.size() == 4 && words_[1] == "to";
  if (!(to || words_.size() == 3) || words_.back() != "u64") refuse();
  i.imm = base(words_[to ? 2 : 1]);
  const Operand& o = at_->operands[1];
  i.a = source(o, 8);
  i.d = destination(at_->operands[0], 8);
  i.run = to ? toWindow : toGeneric;
  emit(i, InstructionClass::Move);
}

}  // namespace kofn::sim

// SPDX-License-Identifier: Apache-2.0
//
// Module::load: parse, place and initialise the globals, decode every kernel. All or nothing.
#include <cstring>

#include "engine/decoder.hpp"
#include "engine/function.hpp"
#include "ptx/parser.hpp"

namespace kofn::sim {
namespace {

std::vector<std::string> linesOf(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

class ModuleImpl final : public Module {
 public:
  ModuleImpl(std::string_view text, DeviceMemory& memory, const DeviceProperties& properties)
      : memory_(memory), properties_(properties), source_(ptx::parse(text)) {
    if (source_->target > properties.major * 10 + properties.minor)
      throw ptx::Error(1, "the text is for sm_" + std::to_string(source_->target) + ", the device is sm_" + std::to_string(properties.major * 10 + properties.minor));
    symbols_.lines = linesOf(source_->text);
    try {
      placeGlobals();
      giveAddresses();
      initialiseGlobals();
      for (const auto& f : source_->functions)
        if (f->isEntry && !f->isDeclaration) functions_.push_back(std::make_unique<FunctionImpl>(*this, Decoder(*source_, *f, symbols_, properties_).run()));
    } catch (...) {
      releaseGlobals();
      throw;
    }
  }
  ~ModuleImpl() override { releaseGlobals(); }

  std::vector<std::string> functionNames() const override {
    std::vector<std::string> names;
    for (const auto& f : functions_) names.push_back(f->info().name);
    return names;
  }
  const Function* function(std::string_view name) const override {
    for (const auto& f : functions_)
      if (f->info().name == name) return f.get();
    return nullptr;
  }
  std::vector<std::string> globalNames() const override {
    std::vector<std::string> names;
    for (const auto& v : source_->variables)
      if (symbols_.globals.count(v.get())) names.push_back(v->name);
    return names;
  }
  std::optional<GlobalInfo> global(std::string_view name) const override {
    for (const auto& v : source_->variables)
      if (v->name == name)
        if (const auto it = symbols_.globals.find(v.get()); it != symbols_.globals.end()) return GlobalInfo{v->name, it->second, v->bytes};
    return std::nullopt;
  }
  DeviceMemory& memory() const override { return memory_; }
  const DeviceProperties& properties() const override { return properties_; }

 private:
  void placeGlobals() {
    for (const auto& v : source_->variables) {
      if (v->space != ptx::Space::Global && v->space != ptx::Space::Const) continue;
      if (v->isExtern) throw ptx::Error(v->line, "extern variable '" + v->name + "' is defined nowhere");
      const std::uint64_t bytes = v->bytes ? v->bytes : 1;
      const std::uint64_t address = memory_.allocate(bytes, "module variable " + v->name);
      if (!address) throw ptx::Error(v->line, "no memory for the " + std::to_string(bytes) + " bytes of '" + v->name + "'");
      symbols_.globals[v.get()] = address;
    }
  }

  void giveAddresses() {
    std::uint64_t next = kCodeWindow + 16;
    for (const auto& f : source_->functions)
      if (f->addressTaken || takenInBodies(f.get())) symbols_.functions[f.get()] = next, next += 16;
  }
  bool takenInBodies(const ptx::Function* f) const {
    for (const auto& g : source_->functions)
      for (const ptx::Instruction& i : g->body)
        if (i.opcode.substr(0, 4) == "mov.")
          for (const ptx::Operand& o : i.operands)
            if (o.function == f) return true;
    return false;
  }

  // Variables without an initial value are zero, as the CUDA runtime hands them over.
  void initialiseGlobals() {
    for (const auto& v : source_->variables) {
      const auto it = symbols_.globals.find(v.get());
      if (it == symbols_.globals.end()) continue;
      std::vector<std::byte> image(v->bytes ? v->bytes : 1);
      for (std::size_t k = 0; k < v->initial.size(); ++k) {
        const ptx::Initial& e = v->initial[k];
        std::uint64_t bits = e.bits;
        if (e.variable) bits += symbols_.globals.at(e.variable);
        if (e.function) bits += symbols_.functions.at(e.function);
        std::memcpy(image.data() + k * v->elementBytes, &bits, v->elementBytes);
      }
      memory_.copyIn(it->second, image.data(), image.size());
    }
  }

  void releaseGlobals() {
    for (const auto& [v, address] : symbols_.globals) memory_.release(address);
    symbols_.globals.clear();
  }

  DeviceMemory& memory_;
  DeviceProperties properties_;
  std::unique_ptr<ptx::Module> source_;
  Symbols symbols_;
  std::vector<std::unique_ptr<FunctionImpl>> functions_;
};

}  // namespace

std::unique_ptr<Module> Module::load(std::string_view ptx, DeviceMemory& memory, const DeviceProperties& properties, std::string& log) {
  try {
    return std::make_unique<ModuleImpl>(ptx, memory, properties);
  } catch (const ptx::Error& e) {
    log += "ptx:" + std::to_string(e.line) + ": " + e.what() + "\n";
    return nullptr;
  }
}

}  // namespace kofn::sim

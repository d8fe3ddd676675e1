// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "engine/program.hpp"

namespace kofn::sim {

class FunctionImpl final : public Function {
 public:
  FunctionImpl(Module& module, std::unique_ptr<Program> program) : module_(module), program_(std::move(program)) {}
  const FunctionInfo& info() const override { return program_->info; }
  Module& module() const override { return module_; }
  const Program& program() const { return *program_; }

 private:
  Module& module_;
  std::unique_ptr<Program> program_;
};

}  // namespace kofn::sim

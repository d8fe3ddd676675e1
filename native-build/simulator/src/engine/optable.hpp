// SPDX-License-Identifier: Apache-2.0
//
// Every instruction that only computes on registers, by its exact spelling. Built once, on first use.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/lanes.hpp"

namespace kofn::sim {

struct OpForm {
  Handler handler = nullptr;
  std::string operands;
  InstructionClass cls = InstructionClass::Other;
  std::int64_t imm = 0;
};

class OpTable {
 public:
  static const OpTable& instance();
  const OpForm* find(std::string_view form) const;
  void add(const char* form, const char* operands, InstructionClass cls, Handler handler, std::int64_t imm);
  std::size_t size() const { return forms_.size(); }
  const std::unordered_map<std::string, OpForm>& forms() const { return forms_; }   // what the tests have to cover

 private:
  std::unordered_map<std::string, OpForm> forms_;
};

}  // namespace kofn::sim

// SPDX-License-Identifier: Apache-2.0
//
// PTX text to a Module. Fails closed: an unknown directive, an undeclared name, a misplaced token is an Error.
#pragma once

#include "ptx/ast.hpp"
#include "ptx/lexer.hpp"

namespace kofn::sim::ptx {

std::unique_ptr<Module> parse(std::string_view text);

}  // namespace kofn::sim::ptx

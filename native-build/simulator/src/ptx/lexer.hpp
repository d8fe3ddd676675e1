// SPDX-License-Identifier: Apache-2.0
//
// PTX text to tokens. A word keeps its dots and double colons ("ld.global.L2::128B", "%tid.x"), because PTX gives them
// no meaning of their own; everything else is a number, a string or a single punctuation character.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kofn::sim::ptx {

// Any reason why PTX text is refused; what() is one sentence without the line.
class Error : public std::runtime_error {
 public:
  Error(std::uint32_t line, const std::string& what) : std::runtime_error(what), line(line) {}
  std::uint32_t line;
};

enum class Tok : std::uint8_t { Word, Integer, Float32, Float64, String, Punct, End };

struct Token {
  Tok kind = Tok::End;
  char punct = 0;
  std::uint32_t line = 0;
  std::string_view text;
  std::uint64_t bits = 0;   // value of a number, IEEE bits of a float

  bool is(char c) const { return kind == Tok::Punct && punct == c; }
  bool is(std::string_view word) const { return kind == Tok::Word && text == word; }
};

// Throws Error on a byte that no token begins with, on an unterminated comment or string and on a malformed number.
std::vector<Token> lex(std::string_view text);

}  // namespace kofn::sim::ptx

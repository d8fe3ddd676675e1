// SPDX-License-Identifier: Apache-2.0
#include "ptx/lexer.hpp"

#include <bit>
#include <cstdlib>

namespace kofn::sim::ptx {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool isWordChar(char c) { return isAlpha(c) || isDigit(c) || c == '_' || c == '$'; }
int hexValue(char c) {
  if (isDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    std::vector<Token> out;
    while (skipBlanks()) out.push_back(next());
    Token end;
    end.line = line_;
    out.push_back(end);
    return out;
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  // False at the end of the text.
  bool skipBlanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        ++line_, ++at_;
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
        ++at_;
      } else if (c == '/' && peek(1) == '/') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == '/' && peek(1) == '*') {
        const std::uint32_t start = line_;
        for (at_ += 2; !(peek() == '*' && peek(1) == '/'); ++at_) {
          if (at_ >= text_.size()) throw Error(start, "comment without end");
          if (text_[at_] == '\n') ++line_;
        }
        at_ += 2;
      } else if (c == '\0' && text_.find_first_not_of('\0', at_) == std::string_view::npos) {
        at_ = text_.size();   // terminating zeros of a C string or of a fatbin entry's padding
      } else {
        return true;
      }
    }
    return false;
  }

  Token next() {
    Token t;
    t.line = line_;
    const std::size_t start = at_;
    const char c = peek();
    if (isAlpha(c) || c == '_' || c == '$' || c == '%' || (c == '.' && (isAlpha(peek(1)) || peek(1) == '_'))) {
      t.kind = Tok::Word;
      ++at_;
      while (isWordChar(peek()) || (c != '.' && peek() == '.' && isWordChar(peek(1))) ||   // ".reg.b16" is two words
             (peek() == ':' && peek(1) == ':' && isWordChar(peek(2))))
        at_ += peek() == ':' ? 2 : 1;
    } else if (isDigit(c)) {
      number(t);
    } else if (c == '"') {
      t.kind = Tok::String;
      for (++at_; peek() != '"'; ++at_) {
        if (at_ >= text_.size() || peek() == '\n') throw Error(line_, "string without end");
        if (peek() == '\\') ++at_;
      }
      ++at_;
      t.text = text_.substr(start + 1, at_ - start - 2);
      return t;
    } else if (std::string_view(",;{}[]()<>:+-=@!|~*/&^?%").find(c) != std::string_view::npos && c != '\0') {
      t.kind = Tok::Punct;
      t.punct = c;
      ++at_;
    } else {
      throw Error(line_, "unexpected character with code " + std::to_string(static_cast<unsigned char>(c)));
    }
    t.text = text_.substr(start, at_ - start);
    return t;
  }

  void number(Token& t) {
    const std::size_t start = at_;
    const char p = static_cast<char>(peek(1) | 0x20);
    if (peek() == '0' && (p == 'f' || p == 'd')) {   // 0f3F800000, 0d3FF0000000000000
      const int digits = p == 'f' ? 8 : 16;
      at_ += 2;
      for (int i = 0; i < digits; ++i, ++at_) {
        if (hexValue(peek()) < 0) throw Error(line_, "malformed floating-point constant");
        t.bits = t.bits << 4 | static_cast<unsigned>(hexValue(peek()));
      }
      t.kind = p == 'f' ? Tok::Float32 : Tok::Float64;
    } else if (isDecimalFloat()) {
      const std::string copy(text_.substr(start, 64));
      char* end = nullptr;
      const double value = std::strtod(copy.c_str(), &end);
      at_ += static_cast<std::size_t>(end - copy.c_str());
      t.bits = std::bit_cast<std::uint64_t>(value);
      t.kind = Tok::Float64;
    } else {
      unsigned base = 10;
      if (peek() == '0' && p == 'x') base = 16, at_ += 2;
      else if (peek() == '0' && p == 'b') base = 2, at_ += 2;
      else if (peek() == '0') base = 8;
      bool any = base == 8;
      for (int v; (v = hexValue(peek())) >= 0 && v < static_cast<int>(base); ++at_, any = true) {
        if (t.bits > (~0ull - static_cast<unsigned>(v)) / base) throw Error(line_, "integer constant does not fit 64 bits");
        t.bits = t.bits * base + static_cast<unsigned>(v);
      }
      if (!any) throw Error(line_, "malformed integer constant");
      if (peek() == 'U' || peek() == 'u') ++at_;
      t.kind = Tok::Integer;
    }
    if (isWordChar(peek())) throw Error(line_, "malformed number '" + std::string(text_.substr(start, at_ + 1 - start)) + "'");
  }

  bool isDecimalFloat() const {
    std::size_t i = at_;
    while (i < text_.size() && isDigit(text_[i])) ++i;
    return i + 1 < text_.size() && (text_[i] == '.' || ((text_[i] | 0x20) == 'e' && text_[at_ + 1] != 'x')) && i > at_ &&
           (isDigit(text_[i + 1]) || text_[i + 1] == '-' || text_[i + 1] == '+');
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
};

}  // namespace

std::vector<Token> lex(std::string_view text) { return Lexer(text).run(); }

}  // namespace kofn::sim::ptx

// SPDX-License-Identifier: Apache-2.0
//
// An instruction form by its spelling ("mad.lo.cc.u32") and what it must compute, derived here from the spelling alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "numerics/numerics.hpp"

namespace opcodes {

namespace num = kofn::sim::num;

/// The parts of a spelling. `take` consumes a modifier: what nobody consumed is a modifier nobody has checked.
class Form {
 public:
  explicit Form(const std::string& text) : text(text) {
    std::size_t from = 0;
    for (std::size_t dot; from <= text.size(); from = dot + 1) {
      dot = std::min(text.find('.', from), text.size());
      const std::string part = text.substr(from, dot - from);
      if (from == 0) op = part;
      else if (isType(part)) types.push_back(part);
      else mods.push_back(part);
    }
  }
  static bool isType(std::string_view part) {
    static const std::string_view all[] = {"pred", "b8", "b16", "b32", "b64", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f16",
                                           "f16x2", "bf16", "bf16x2", "f32", "f64", "tf32", "e4m3x2", "e5m2x2", "u16x2", "s16x2"};
    return std::find(std::begin(all), std::end(all), part) != std::end(all);
  }
  bool take(std::string_view mod) {
    const auto it = std::find(mods.begin(), mods.end(), mod);
    if (it == mods.end()) return false;
    mods.erase(it);
    return true;
  }
  std::string type(std::size_t i = 0) const { return i < types.size() ? types[i] : ""; }

  std::string text, op;
  std::vector<std::string> mods, types;
};

/// Sources and results are 64-bit cells that hold an operand's bits in their low part.
using Compute = std::function<void(const std::uint64_t* in, std::uint64_t* out)>;

struct Oracle {
  Compute compute;
  bool carryIn = false;   ///< one more source at the end: the carry flag before the instruction
  bool carryOut = false;  ///< one more result at the end: the carry flag after it
  bool anyNaN64 = false;  ///< results are f64, and one NaN is as good as another
};

/// None when the spelling (or one of its modifiers) is not understood. `immediate` is a constant operand's value, `approx`
/// how approximate instructions are to behave.
std::optional<Oracle> oracleFor(const std::string& spelling, std::uint64_t immediate, num::Approx approx = {});

// One family each; they return an empty function for what is not theirs.
Oracle integerOracle(Form& f);
Oracle bitOracle(Form& f, std::uint64_t immediate);
Oracle floatOracle(Form& f);
Oracle approximateOracle(Form& f, num::Approx mode);
Oracle compareOracle(Form& f);
Oracle convertOracle(Form& f);
Oracle moveOracle(Form& f);

// ---- bits and values ------------------------------------------------------------------------------------------------

template <class T> T get(std::uint64_t bits) {
  if constexpr (std::is_same_v<T, double>) return std::bit_cast<double>(bits);
  else if constexpr (std::is_integral_v<T>) return static_cast<T>(bits);
  else return num::from_bits<T>(static_cast<std::uint32_t>(bits));
}
template <class T> std::uint64_t put(T v) {
  if constexpr (std::is_same_v<T, double>) return std::bit_cast<std::uint64_t>(v);
  else if constexpr (std::is_integral_v<T>) return static_cast<std::make_unsigned_t<T>>(v);
  else return num::bits_of(v);
}

/// Calls f(T{}) for the C++ type of a PTX integer (or untyped) type name; false when it is none.
template <class F> bool withInteger(const std::string& type, F f) {
  if (type.size() < 2 || type.find('x') != std::string::npos) return false;
  const std::string width = type.substr(1);
  const bool isSigned = type[0] == 's';
  if (!isSigned && type[0] != 'u' && type[0] != 'b') return false;
  if (width == "8") isSigned ? f(std::int8_t{}) : f(std::uint8_t{});
  else if (width == "16") isSigned ? f(std::int16_t{}) : f(std::uint16_t{});
  else if (width == "32") isSigned ? f(std::int32_t{}) : f(std::uint32_t{});
  else if (width == "64") isSigned ? f(std::int64_t{}) : f(std::uint64_t{});
  else return false;
  return true;
}

/// The same for scalar floating-point types.
template <class F> bool withFloat(const std::string& type, F f) {
  if (type == "f16") f(num::F16{});
  else if (type == "bf16") f(num::BF16{});
  else if (type == "f32") f(float{});
  else if (type == "f64") f(double{});
  else return false;
  return true;
}

inline bool isPacked(const std::string& type) { return type == "f16x2" || type == "bf16x2"; }

/// The modifiers that arithmetic and conversions share.
inline num::FpMode takeMode(Form& f) {
  num::FpMode m;
  if (f.take("rz")) m.rnd = num::Rnd::rz;
  else if (f.take("rm")) m.rnd = num::Rnd::rm;
  else if (f.take("rp")) m.rnd = num::Rnd::rp;
  else f.take("rn");
  m.ftz = f.take("ftz");
  m.sat = f.take("sat");
  m.relu = f.take("relu");
  m.satfinite = f.take("satfinite");
  return m;
}

}  // namespace opcodes

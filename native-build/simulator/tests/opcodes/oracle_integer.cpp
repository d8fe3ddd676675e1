// SPDX-License-Identifier: Apache-2.0
//
// Integer arithmetic, exact in 128 bits and then cut to the width. Products of 64-bit operands, which need all 128, are
// formed unsigned and corrected for the signs.
#include "form.hpp"

namespace opcodes {
namespace {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

struct Parts { UInt128 low, high; };  // of a product, each cut to the width

template <class T> Parts product(T a, T b) {
  constexpr int width = sizeof(T) * 8;
  using U = std::make_unsigned_t<T>;
  UInt128 p = static_cast<UInt128>(static_cast<U>(a)) * static_cast<U>(b);
  // As unsigned numbers negative operands are 2^width too large.
  UInt128 high = p >> width;
  if (a < 0) high -= static_cast<U>(b);
  if (b < 0) high -= static_cast<U>(a);
  return {static_cast<U>(p), static_cast<U>(high)};
}

template <class T> std::uint64_t cut(UInt128 v) { return static_cast<std::make_unsigned_t<T>>(v); }
template <class T> std::uint64_t clamped(Int128 v) {
  return put(static_cast<T>(std::clamp(v, static_cast<Int128>(std::numeric_limits<T>::min()), static_cast<Int128>(std::numeric_limits<T>::max()))));
}

template <class T> Compute additive(const std::string& op, bool sat) {
  const bool minus = op == "sub";
  return [=](const std::uint64_t* in, std::uint64_t* out) {
    const Int128 a = get<T>(in[0]), b = get<T>(in[1]), v = minus ? a - b : a + b;
    out[0] = sat ? clamped<T>(v) : cut<T>(v);
  };
}

/// add.cc, addc, addc.cc, sub.cc, subc, subc.cc.
template <class T> Compute carrying(bool minus, bool withIn) {
  using U = std::make_unsigned_t<T>;
  return [=](const std::uint64_t* in, std::uint64_t* out) {
    const Int128 a = get<U>(in[0]), b = get<U>(in[1]), c = withIn ? in[2] & 1 : 0;
    const Int128 v = minus ? a - b - c : a + b + c;
    out[0] = cut<T>(v);
    out[1] = v < 0 || v > std::numeric_limits<U>::max();
  };
}

template <class T> Compute multiplicative(bool mad, bool high, bool sat, bool carry, bool withIn) {
  using U = std::make_unsigned_t<T>;
  return [=](const std::uint64_t* in, std::uint64_t* out) {
    const Parts p = product(get<T>(in[0]), get<T>(in[1]));
    const UInt128 part = high ? p.high : p.low;
    if (sat) {
      out[0] = clamped<T>(static_cast<Int128>(static_cast<T>(part)) + get<T>(in[2]));
      return;
    }
    const UInt128 sum = part + (mad ? get<U>(in[2]) : 0) + (withIn ? in[3] & 1 : 0);
    out[0] = cut<T>(sum);
    if (carry) out[1] = sum >> (sizeof(T) * 8) != 0;
  };
}

template <class T> Compute wide(bool mad) {
  return [=](const std::uint64_t* in, std::uint64_t* out) {
    const Int128 p = static_cast<Int128>(get<T>(in[0])) * get<T>(in[1]);
    out[0] = static_cast<std::uint64_t>(p + (mad ? static_cast<Int128>(in[2]) : 0)) & (sizeof(T) == 2 ? 0xffffffffu : ~std::uint64_t{0});
  };
}

template <class T> Compute twentyFour(bool mad, bool high, bool sat) {
  return [=](const std::uint64_t* in, std::uint64_t* out) {
    const auto operand = [](std::uint64_t v) {
      const std::int64_t low = v & 0xffffff;
      return std::is_signed_v<T> && low >= 0x800000 ? low - 0x1000000 : low;
    };
    const Int128 p = static_cast<Int128>(operand(in[0])) * operand(in[1]);
    const auto part = static_cast<T>(static_cast<std::uint32_t>(high ? p >> 16 : p));
    const Int128 v = static_cast<Int128>(part) + (mad ? get<T>(in[2]) : T{0});
    out[0] = sat ? clamped<T>(v) : cut<T>(v);
  };
}

template <class T> Compute other(const std::string& op, bool relu) {
  using S = std::make_signed_t<T>;
  if (op == "div") return [](auto in, auto out) {
    const Int128 a = get<T>(in[0]), b = get<T>(in[1]);
    out[0] = cut<T>(b == 0 ? Int128(-1) : a / b);
  };
  if (op == "rem") return [](auto in, auto out) {
    const Int128 a = get<T>(in[0]), b = get<T>(in[1]);
    out[0] = cut<T>(b == 0 ? a : a % b);
  };
  if (op == "min" || op == "max") return [=](auto in, auto out) {
    const Int128 a = get<T>(in[0]), b = get<T>(in[1]), v = op == "min" ? std::min(a, b) : std::max(a, b);
    out[0] = cut<T>(relu && v < 0 ? Int128(0) : v);
  };
  if (op == "sad") return [](auto in, auto out) {
    const Int128 a = get<T>(in[0]), b = get<T>(in[1]);
    out[0] = cut<T>(get<T>(in[2]) + (a < b ? b - a : a - b));
  };
  if (op == "neg") return [](auto in, auto out) { out[0] = cut<T>(-static_cast<Int128>(get<S>(in[0]))); };
  if (op == "abs") return [](auto in, auto out) {
    const Int128 a = get<S>(in[0]);
    out[0] = cut<T>(a < 0 ? -a : a);
  };
  return {};
}

/// The two 16-bit halves, each as `f` does it.
Compute halves(Compute f) {
  return [=](const std::uint64_t* in, std::uint64_t* out) {
    std::uint64_t result = 0;
    for (int shift : {0, 16}) {
      const std::uint64_t half[2] = {in[0] >> shift & 0xffff, in[1] >> shift & 0xffff};
      std::uint64_t r = 0;
      f(half, &r);
      result |= (r & 0xffff) << shift;
    }
    out[0] = result;
  };
}

Compute dotProduct(Form& f) {
  const bool four = f.op == "dp4a", high = !four && f.take("hi"), aSigned = f.type(0) == "s32", bSigned = f.type(1) == "s32";
  if (!four && !high) f.take("lo");
  return [=](const std::uint64_t* in, std::uint64_t* out) {
    const auto field = [](std::uint64_t v, int at, int bits, bool isSigned) {
      const std::int64_t x = v >> at & ((1u << bits) - 1);
      return isSigned && x >> (bits - 1) ? x - (std::int64_t{1} << bits) : x;
    };
    std::int64_t sum = static_cast<std::int64_t>(in[2]);
    for (int k = 0; k < (four ? 4 : 2); k++)
      sum += field(in[0], four ? 8 * k : 16 * k, four ? 8 : 16, aSigned) * field(in[1], 8 * k + (high ? 16 : 0), 8, bSigned);
    out[0] = static_cast<std::uint32_t>(static_cast<std::uint64_t>(sum));
  };
}

}  // namespace

Oracle integerOracle(Form& f) {
  Oracle o;
  const std::string op = f.op;
  if (op == "vabsdiff4") {
    const bool add = f.take("add");
    return {.compute = [=](const std::uint64_t* in, std::uint64_t* out) {
      std::uint64_t bytes = 0, sum = in[2];
      for (int k = 0; k < 32; k += 8) {
        const auto a = static_cast<int>(in[0] >> k & 0xff), b = static_cast<int>(in[1] >> k & 0xff);
        const auto d = static_cast<std::uint64_t>(std::abs(a - b));
        bytes |= d << k, sum += d;
      }
      out[0] = add ? sum & 0xffffffff : bytes;
    }};
  }
  if (op == "dp4a" || op == "dp2a") return {.compute = dotProduct(f)};
  if (f.type() == "s16x2" || f.type() == "u16x2") {
    const bool relu = f.take("relu"), isSigned = f.type() == "s16x2";
    const auto one = [&]<class T>(T) { return op == "add" ? additive<T>(op, false) : other<T>(op, relu); };
    o.compute = isSigned ? one(std::int16_t{}) : one(std::uint16_t{});
    if (o.compute) o.compute = halves(o.compute);
    return o;
  }
  withInteger(f.type(), [&]<class T>(T) {
    if constexpr (sizeof(T) >= 2) {
      const bool carry = f.take("cc");
      const bool high = f.take("hi"), low = f.take("lo"), isWide = f.take("wide"), sat = f.take("sat");
      (void)low;
      if (op == "addc" || op == "subc" || ((op == "add" || op == "sub") && carry)) {
        const bool withIn = op.size() == 4;
        o = {.compute = carrying<T>(op[0] == 's', withIn), .carryIn = withIn, .carryOut = carry};
      } else if (op == "add" || op == "sub") {
        o.compute = additive<T>(op, sat);
      } else if (op == "mul24" || op == "mad24") {
        o.compute = twentyFour<T>(op == "mad24", high, sat);
      } else if (op == "mul" || op == "mad" || op == "madc") {
        if (isWide) o.compute = wide<T>(op == "mad");
        else o = {.compute = multiplicative<T>(op != "mul", high, sat, carry, op == "madc"), .carryIn = op == "madc", .carryOut = carry};
      } else {
        o.compute = other<T>(op, f.take("relu"));
      }
    }
  });
  return o;
}

}  // namespace opcodes

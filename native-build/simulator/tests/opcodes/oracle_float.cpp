// SPDX-License-Identifier: Apache-2.0
//
// Floating point, comparisons and conversions: the numerics (which tests/numerics proves against the host, __float128
// and tables) under the mode that the spelling says. What is tested here is that each spelling computes that.
#include "form.hpp"

namespace opcodes {
namespace {

using Cells = const std::uint64_t*;

/// A function of up to three values of one type, scalar or packed.
template <class F> Compute lift(const std::string& type, F f) {
  Compute c;
  const std::string scalar = isPacked(type) ? type.substr(0, type.size() - 2) : type;
  const bool packed = isPacked(type);
  withFloat(scalar, [&]<class T>(T) {
    if (!packed) c = [=](Cells in, auto out) { out[0] = put(f(get<T>(in[0]), get<T>(in[1]), get<T>(in[2]))); };
    else c = [=](Cells in, auto out) {
      const auto half = [&](int shift) { return put(f(get<T>(in[0] >> shift), get<T>(in[1] >> shift), get<T>(in[2] >> shift))); };
      out[0] = (half(16) & 0xffff) << 16 | (half(0) & 0xffff);
    };
  });
  return c;
}

std::optional<num::Cmp> takeCompare(Form& f) {
  static const char* names[] = {"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};
  for (std::size_t i = 0; i < std::size(names); i++)
    if (f.take(names[i])) return static_cast<num::Cmp>(i);
  return std::nullopt;
}
num::BoolOp takeBool(Form& f) {
  return f.take("and") ? num::BoolOp::and_ : f.take("or") ? num::BoolOp::or_ : f.take("xor") ? num::BoolOp::xor_ : num::BoolOp::none;
}

/// Whether two operands of a type compare so.
std::function<bool(std::uint64_t, std::uint64_t)> comparison(const std::string& type, num::Cmp op, bool ftz) {
  std::function<bool(std::uint64_t, std::uint64_t)> c;
  withInteger(type, [&]<class T>(T) { c = [=](auto a, auto b) { return num::compare(op, get<T>(a), get<T>(b)); }; });
  withFloat(type, [&]<class T>(T) { c = [=](auto a, auto b) { return num::compare(op, get<T>(a), get<T>(b), ftz); }; });
  return c;
}

std::uint64_t trueValue(const std::string& type) {
  std::uint64_t v = 0;
  withInteger(type, [&]<class T>(T) { v = put(static_cast<T>(~T{0})); });
  withFloat(type, [&]<class T>(T) { v = put(num::set_value<T>(true)); });
  return v;
}

}  // namespace

Oracle floatOracle(Form& f) {
  const std::string op = f.op, type = f.type();
  if (f.types.size() != 1) return {};
  Oracle o;
  o.anyNaN64 = type == "f64";
  if (op == "min" || op == "max") {
    num::MinMaxMode m;
    m.ftz = f.take("ftz");
    m.nan = f.take("NaN");
    m.xorsignAbs = f.take("xorsign");
    if (m.xorsignAbs) f.take("abs");
    const bool max = op == "max";
    o.compute = lift(type, [=](auto a, auto b, auto) { return max ? num::max(a, b, m) : num::min(a, b, m); });
    return o;
  }
  if (op == "copysign") {
    o.compute = lift(type, [](auto a, auto b, auto) {
      constexpr std::uint64_t sign = std::uint64_t{1} << (sizeof(a) * 8 - 1);
      return get<decltype(a)>((put(b) & ~sign) | (put(a) & sign));
    });
    return o;
  }
  static const char* mine[] = {"add", "sub", "mul", "fma", "mad", "neg", "abs", "div", "rcp", "sqrt"};
  if (std::find(std::begin(mine), std::end(mine), op) == std::end(mine)) return {};
  const num::FpMode m = takeMode(f);
  if (op == "add") o.compute = lift(type, [=](auto a, auto b, auto) { return num::add(a, b, m); });
  if (op == "sub") o.compute = lift(type, [=](auto a, auto b, auto) { return num::sub(a, b, m); });
  if (op == "mul") o.compute = lift(type, [=](auto a, auto b, auto) { return num::mul(a, b, m); });
  if (op == "fma" || op == "mad") o.compute = lift(type, [=](auto a, auto b, auto c) { return num::fma(a, b, c, m); });
  if (op == "neg") o.compute = lift(type, [=](auto a, auto, auto) { return num::neg(a, m); });
  if (op == "abs") o.compute = lift(type, [=](auto a, auto, auto) { return num::abs(a, m); });
  const auto ieee = [&](auto g) {
    withFloat(type, [&]<class T>(T) {
      if constexpr (std::is_floating_point_v<T>) o.compute = [=](Cells in, auto out) { out[0] = put(g(get<T>(in[0]), get<T>(in[1]))); };
    });
  };
  if (op == "div") ieee([=](auto a, auto b) { return num::div(a, b, m); });
  if (op == "rcp") ieee([=](auto a, auto) { return num::rcp(a, m); });
  if (op == "sqrt") ieee([=](auto a, auto) { return num::sqrt(a, m); });
  return o;
}

Oracle approximateOracle(Form& f, num::Approx mode) {
  const std::string op = f.op, type = f.type();
  const bool full = f.take("full");
  if (!full && !f.take("approx")) return {};
  const bool ftz = f.take("ftz");
  Oracle o;
  o.anyNaN64 = type == "f64";
  const auto single = [&](auto g) { o.compute = [=](Cells in, auto out) { out[0] = put(g(get<float>(in[0]), get<float>(in[1]))); }; };
  const auto wide = [&](auto g) { o.compute = [=](Cells in, auto out) { out[0] = put(g(get<double>(in[0]))); }; };
  if (type == "f64") {
    if (op == "rcp" && ftz) wide([](double a) { return num::rcp_approx_f64(a); });
    if (op == "rsqrt") wide([=](double a) { return ftz ? num::rsqrt_approx_f64_ftz(a) : num::rsqrt_approx(a); });
  } else if (type == "f32") {
    if (op == "ex2") single([=](float a, float) { return num::ex2_approx(a, ftz, mode); });
    if (op == "lg2") single([=](float a, float) { return num::lg2_approx(a, ftz, mode); });
    if (op == "rcp") single([=](float a, float) { return num::rcp_approx(a, ftz, mode); });
    if (op == "rsqrt") single([=](float a, float) { return num::rsqrt_approx(a, ftz, mode); });
    if (op == "sqrt") single([=](float a, float) { return num::sqrt_approx(a, ftz, mode); });
    if (op == "sin") single([=](float a, float) { return num::sin_approx(a, ftz, mode); });
    if (op == "cos") single([=](float a, float) { return num::cos_approx(a, ftz, mode); });
    if (op == "tanh" && !ftz) single([=](float a, float) { return num::tanh_approx(a, mode); });
    if (op == "div") single([=](float a, float b) { return full ? num::div_full(a, b, ftz, mode) : num::div_approx(a, b, ftz, mode); });
  } else if (op == "ex2" || op == "tanh") {
    const bool ex2 = op == "ex2";
    o.compute = lift(type, [=](auto a, auto, auto) {
      using T = decltype(a);
      if constexpr (sizeof(T) == 2) return ex2 ? num::ex2_approx(a, ftz, mode) : num::tanh_approx(a, mode);
      else return a;
    });
  }
  return o;
}

Oracle compareOracle(Form& f) {
  if (f.op == "testp") {
    static const char* names[] = {"finite", "infinite", "number", "notanumber", "normal", "subnormal"};
    Oracle o;
    for (std::size_t i = 0; i < std::size(names); i++)
      if (f.take(names[i])) withFloat(f.type(), [&]<class T>(T) {
        if constexpr (std::is_floating_point_v<T>)
          o.compute = [=](Cells in, auto out) { out[0] = num::testp(static_cast<num::TestP>(i), get<T>(in[0])); };
      });
    return o;
  }
  if (f.op != "setp" && f.op != "set") return {};
  const auto op = takeCompare(f);
  const num::BoolOp boolean = takeBool(f);
  const bool ftz = f.take("ftz");
  if (!op) return {};
  const std::string source = f.types.back();
  const bool packed = isPacked(source);
  const auto compares = comparison(packed ? source.substr(0, source.size() - 2) : source, *op, ftz);
  if (!compares) return {};
  const auto combined = [=](bool t, std::uint64_t c) { return num::combine(boolean, t, c & 1); };
  if (f.op == "setp") {
    return {.compute = [=](Cells in, auto out) {
      const bool low = compares(in[0], in[1]);
      out[0] = combined(low, in[2]);
      // p|q: the second is the negated comparison, combined; for packed types it is the upper half's.
      out[1] = packed ? combined(compares(in[0] >> 16, in[1] >> 16), in[2]) : combined(!low, in[2]);
    }};
  }
  const std::string to = f.type();
  if (isPacked(to)) {
    const std::uint64_t yes = trueValue(to.substr(0, to.size() - 2));
    return {.compute = [=](Cells in, auto out) {
      out[0] = (combined(compares(in[0] >> 16, in[1] >> 16), in[2]) ? yes << 16 : 0) | (combined(compares(in[0], in[1]), in[2]) ? yes : 0);
    }};
  }
  const std::uint64_t yes = trueValue(to);
  if (packed) return {.compute = [=](Cells in, auto out) {  // set.u32.f16x2: a mask for each half
    out[0] = (combined(compares(in[0] >> 16, in[1] >> 16), in[2]) ? 0xffff0000u : 0) | (combined(compares(in[0], in[1]), in[2]) ? 0xffffu : 0);
  }};
  return {.compute = [=](Cells in, auto out) { out[0] = combined(compares(in[0], in[1]), in[2]) ? yes : 0; }};
}

Oracle convertOracle(Form& f) {
  if (f.op != "cvt" || f.types.size() != 2) return {};
  num::CvtMode m;
  if (f.take("rna")) m.rnd = num::Rnd::rna;
  const char* integral[] = {"rni", "rzi", "rmi", "rpi"};
  for (int i = 0; i < 4; i++)
    if (f.take(integral[i])) m.integral = true, m.rnd = static_cast<num::Rnd>(i);
  const bool given = m.integral || m.rnd == num::Rnd::rna;
  const num::FpMode rest = takeMode(f);
  if (!given) m.rnd = rest.rnd;
  m.ftz = rest.ftz, m.sat = rest.sat, m.relu = rest.relu, m.satfinite = rest.satfinite;
  const std::string to = f.type(0), from = f.type(1);
  Oracle o;
  o.anyNaN64 = to == "f64";
  const auto each = [&]<class S>(S) {
    const auto one = [&]<class D>(D) { o.compute = [=](Cells in, auto out) { out[0] = put(num::convert<D>(get<S>(in[0]), m)); }; };
    if (withInteger(to, one) || withFloat(to, one)) return;
    if constexpr (std::is_same_v<S, float>)
      if (to == "tf32") o.compute = [=](Cells in, auto out) { out[0] = num::convert<num::TF32>(get<float>(in[0]), m).bits; };
  };
  if (isPacked(to) && from == "f32") {
    const auto two = [&]<class T>(T) { o.compute = [=](Cells in, auto out) { out[0] = put(num::convert<T>(get<float>(in[0]), m)) << 16 | put(num::convert<T>(get<float>(in[1]), m)); }; };
    to == "f16x2" ? two(num::F16{}) : two(num::BF16{});
  } else if (to == "e4m3x2" || to == "e5m2x2") {
    const auto two = [&]<class T>(T) {
      const bool halves = from == "f16x2";
      o.compute = [=](Cells in, auto out) {
        const float high = halves ? num::widen(get<num::F16>(in[0] >> 16)) : get<float>(in[0]);
        const float low = halves ? num::widen(get<num::F16>(in[0])) : get<float>(in[1]);
        out[0] = put(num::convert<T>(high, m)) << 8 | put(num::convert<T>(low, m));
      };
    };
    to == "e4m3x2" ? two(num::E4M3{}) : two(num::E5M2{});
  } else if (from == "e4m3x2" || from == "e5m2x2") {
    const auto two = [&]<class T>(T) {
      o.compute = [=](Cells in, auto out) {
        const auto half = [&](int shift) { return put(num::convert<num::F16>(get<T>(in[0] >> shift), m)); };
        out[0] = half(8) << 16 | half(0);
      };
    };
    from == "e4m3x2" ? two(num::E4M3{}) : two(num::E5M2{});
  } else if (!withInteger(from, each)) {
    withFloat(from, each);
  }
  return o;
}

std::optional<Oracle> oracleFor(const std::string& spelling, std::uint64_t immediate, num::Approx approx) {
  const auto attempt = [&](auto family) -> std::optional<Oracle> {
    Form f(spelling);
    Oracle o = family(f);
    if (!o.compute || !f.mods.empty()) return std::nullopt;
    return o;
  };
  std::optional<Oracle> o;
  if (!o) o = attempt(convertOracle);
  if (!o) o = attempt(compareOracle);
  if (!o) o = attempt(moveOracle);
  if (!o) o = attempt([&](Form& f) { return approximateOracle(f, approx); });
  if (!o) o = attempt(floatOracle);
  if (!o) o = attempt([&](Form& f) { return bitOracle(f, immediate); });
  if (!o) o = attempt(integerOracle);
  return o;
}

}  // namespace opcodes

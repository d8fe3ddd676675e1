// SPDX-License-Identifier: Apache-2.0
//
// Logic, shifts, bit fields, bytes, moves and selections: bit by bit.
#include "form.hpp"

namespace opcodes {
namespace {

using Cells = const std::uint64_t*;

/// A result of `width` bits, bit i of which is f(i).
template <class F> std::uint64_t collect(int width, F f) {
  std::uint64_t r = 0;
  for (int i = 0; i < width; i++) r |= static_cast<std::uint64_t>(f(i) ? 1 : 0) << i;
  return r;
}
bool bit(std::uint64_t v, std::int64_t i) { return v >> i & 1; }

Compute logic(const std::string& op, int width) {
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  if (op == "and") return [=](Cells in, auto out) { out[0] = in[0] & in[1] & mask; };
  if (op == "or") return [=](Cells in, auto out) { out[0] = (in[0] | in[1]) & mask; };
  if (op == "xor") return [=](Cells in, auto out) { out[0] = (in[0] ^ in[1]) & mask; };
  if (op == "not") return [=](Cells in, auto out) { out[0] = ~in[0] & mask; };
  if (op == "cnot") return [=](Cells in, auto out) { out[0] = (in[0] & mask) == 0; };
  return {};
}

Compute fieldsAndCounts(const std::string& op, int width, bool isSigned, bool shiftamt) {
  const int msb = width - 1;
  if (op == "shl") return [=](Cells in, auto out) {
    const std::uint64_t n = in[1] & 0xffffffff;
    out[0] = collect(width, [&](int i) { return static_cast<std::uint64_t>(i) >= n && bit(in[0], i - static_cast<std::int64_t>(n)); });
  };
  if (op == "shr") return [=](Cells in, auto out) {
    const std::uint64_t n = in[1] & 0xffffffff;
    out[0] = collect(width, [&](int i) {
      const std::uint64_t from = static_cast<std::uint64_t>(i) + n;
      return from <= static_cast<std::uint64_t>(msb) ? bit(in[0], static_cast<std::int64_t>(from)) : isSigned && bit(in[0], msb);
    });
  };
  if (op == "bfe") return [=](Cells in, auto out) {
    const int pos = in[1] & 0xff, len = in[2] & 0xff;
    const bool fill = isSigned && len > 0 && bit(in[0], std::min(pos + len - 1, msb));
    out[0] = collect(width, [&](int i) { return i < len && pos + i <= msb ? bit(in[0], pos + i) : fill; });
  };
  if (op == "bfi") return [=](Cells in, auto out) {
    const int pos = in[2] & 0xff, len = in[3] & 0xff;
    out[0] = collect(width, [&](int i) { return i >= pos && i < pos + len ? bit(in[0], i - pos) : bit(in[1], i); });
  };
  if (op == "bfind") return [=](Cells in, auto out) {
    const bool sign = isSigned && bit(in[0], msb);
    out[0] = 0xffffffff;
    for (int i = 0; i <= msb; i++)
      if (bit(in[0], i) != sign) out[0] = static_cast<std::uint64_t>(shiftamt ? msb - i : i);
  };
  if (op == "brev") return [=](Cells in, auto out) { out[0] = collect(width, [&](int i) { return bit(in[0], msb - i); }); };
  if (op == "popc") return [=](Cells in, auto out) {
    out[0] = 0;
    for (int i = 0; i <= msb; i++) out[0] += bit(in[0], i);
  };
  if (op == "clz") return [=](Cells in, auto out) {
    out[0] = 0;
    for (int i = msb; i >= 0 && !bit(in[0], i); i--) out[0]++;
  };
  return {};
}

Compute masks(const std::string& op, bool wrap, bool isSigned) {
  if (op == "bmsk") return [=](Cells in, auto out) {
    const std::uint64_t start = wrap ? in[0] % 32 : in[0] & 0xffffffff, count = wrap ? in[1] % 32 : in[1] & 0xffffffff;
    out[0] = collect(32, [&](int i) { return static_cast<std::uint64_t>(i) >= start && static_cast<std::uint64_t>(i) < start + count; });
  };
  if (op == "szext") return [=](Cells in, auto out) {
    const std::uint64_t n = wrap ? in[1] % 32 : in[1] & 0xffffffff;
    out[0] = collect(32, [&](int i) {
      if (static_cast<std::uint64_t>(i) < n) return bit(in[0], i);
      return isSigned && n > 0 && n < 32 && bit(in[0], static_cast<std::int64_t>(n) - 1);
    });
  };
  return {};
}

Compute funnel(bool left, bool wrap) {
  return [=](Cells in, auto out) {
    const int n = static_cast<int>(wrap ? in[2] % 32 : std::min<std::uint64_t>(in[2] & 0xffffffff, 32));
    const auto joined = [&](int k) { return k < 32 ? bit(in[0], k) : bit(in[1], k - 32); };
    out[0] = collect(32, [&](int i) { return joined(left ? i + 32 - n : i + n); });
  };
}

Compute permute(Form& f) {
  // Bytes 0..3 of the result for c = 0, 1, 2, 3 in each named mode.
  static const struct { const char* name; int pick[4][4]; } modes[] = {
      {"f4e", {{0, 1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}, {3, 4, 5, 6}}}, {"b4e", {{0, 7, 6, 5}, {1, 0, 7, 6}, {2, 1, 0, 7}, {3, 2, 1, 0}}},
      {"rc8", {{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}}}, {"ecl", {{0, 1, 2, 3}, {1, 1, 2, 3}, {2, 2, 2, 3}, {3, 3, 3, 3}}},
      {"ecr", {{0, 0, 0, 0}, {0, 1, 1, 1}, {0, 1, 2, 2}, {0, 1, 2, 3}}}, {"rc16", {{0, 1, 0, 1}, {2, 3, 2, 3}, {0, 1, 0, 1}, {2, 3, 2, 3}}}};
  const int(*pick)[4] = nullptr;
  for (const auto& m : modes)
    if (f.take(m.name)) pick = m.pick;
  return [=](Cells in, auto out) {
    out[0] = 0;
    for (int i = 0; i < 4; i++) {
      const std::uint64_t nibble = pick ? static_cast<std::uint64_t>(pick[in[2] & 3][i]) : in[2] >> (4 * i) & 15;
      const std::uint64_t byte = ((nibble & 7) < 4 ? in[0] >> (8 * (nibble & 3)) : in[1] >> (8 * (nibble & 3))) & 0xff;
      out[0] |= (nibble & 8 ? (byte & 0x80 ? 0xff : 0) : byte) << (8 * i);
    }
  };
}

Compute findNth() {
  return [](Cells in, auto out) {
    const auto offset = static_cast<std::int32_t>(in[2]);
    const std::uint64_t base = in[1] & 0xffffffff;
    out[0] = 0xffffffff;
    if (base > 31) return;
    std::int64_t left = offset < 0 ? -std::int64_t{offset} : offset;
    for (auto i = static_cast<std::int64_t>(base); i >= 0 && i < 32; i += offset < 0 ? -1 : 1) {
      if (bit(in[0], i) && (offset == 0 || --left == 0)) { out[0] = static_cast<std::uint64_t>(i); return; }
      if (offset == 0) return;
    }
  };
}

int widthOf(const std::string& type) {
  int width = type == "pred" ? 1 : 0;
  withInteger(type, [&]<class T>(T) { width = sizeof(T) * 8; });
  withFloat(type, [&]<class T>(T) { width = sizeof(T) * 8; });
  return isPacked(type) ? 32 : width;
}
std::uint64_t lowBits(std::uint64_t v, int width) { return width == 64 ? v : v & ((std::uint64_t{1} << width) - 1); }

}  // namespace

Oracle bitOracle(Form& f, std::uint64_t immediate) {
  const std::string op = f.op;
  const bool isSigned = f.type()[0] == 's';
  const int width = widthOf(f.type());
  if (op == "lop3") return {.compute = [=](Cells in, auto out) {
    out[0] = collect(32, [&](int i) { return bit(immediate, bit(in[0], i) * 4 + bit(in[1], i) * 2 + bit(in[2], i)); });
  }};
  if (op == "prmt") return {.compute = permute(f)};
  if (op == "fns") return {.compute = findNth()};
  if (op == "shf") {
    const bool left = f.take("l"), wrap = f.take("wrap");
    if (!left) f.take("r");
    if (!wrap) f.take("clamp");
    return {.compute = funnel(left, wrap)};
  }
  if (op == "bmsk" || op == "szext") {
    const bool wrap = f.take("wrap");
    if (!wrap) f.take("clamp");
    return {.compute = masks(op, wrap, isSigned)};
  }
  if (Compute c = logic(op, width)) return {.compute = c};
  return {.compute = fieldsAndCounts(op, width, isSigned, f.take("shiftamt"))};
}

Oracle moveOracle(Form& f) {
  const int width = widthOf(f.type());
  if (f.op == "mov") return {.compute = [=](Cells in, auto out) { out[0] = lowBits(in[0], width); }};
  if (f.op == "selp") return {.compute = [=](Cells in, auto out) { out[0] = lowBits(in[2] & 1 ? in[0] : in[1], width); }};
  if (f.op == "slct") {  // d = c >= 0 ? a : b; -0 counts as non-negative, NaN selects b
    const bool ftz = f.take("ftz"), real = f.type(1) == "f32";
    return {.compute = [=](Cells in, auto out) {
      const auto c = static_cast<std::uint32_t>(in[2]);
      const float value = ftz ? num::flush(std::bit_cast<float>(c)) : std::bit_cast<float>(c);
      out[0] = lowBits((real ? value >= 0 : static_cast<std::int32_t>(c) >= 0) ? in[0] : in[1], width);
    }};
  }
  return {};
}

}  // namespace opcodes

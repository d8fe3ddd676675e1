// SPDX-License-Identifier: Apache-2.0
//
// ld.param and st.param: kernel parameters come from the launch's block, function parameters from storage of the caller's
// or callee's frame, one stride a lane.
#include <cstring>

#include "engine/handlers.hpp"
#include "engine/interpreter.hpp"

namespace kofn::sim {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

template <unsigned Bytes> struct Raw;
template <> struct Raw<1> { using U = std::uint8_t; using S = std::int8_t; };
template <> struct Raw<2> { using U = std::uint16_t; using S = std::int16_t; };
template <> struct Raw<4> { using U = std::uint32_t; using S = std::int32_t; };
template <> struct Raw<8> { using U = std::uint64_t; using S = std::int64_t; };

template <unsigned B, unsigned R, bool Signed> struct Types {
  using M = std::conditional_t<Signed, typename Raw<B>::S, typename Raw<B>::U>;
  using Reg = std::conditional_t<Signed, typename Raw<R>::S, typename Raw<R>::U>;
};

template <unsigned B, unsigned R, bool Signed> void loadKernel(Warp& w, const Instr& i, u32 exec) {
  using T = Types<B, R, Signed>;
  for (u32 k = 0; k < i.n; ++k) {
    typename T::M v;
    std::memcpy(&v, w.launch->parameters + i.imm + k * B, B);
    typename T::Reg* d = slot<typename T::Reg>(w, i.extra->slots[k]);
    const auto value = static_cast<typename T::Reg>(v);
    eachLane(exec, [=](int l) { d[l] = value; });
  }
}

template <unsigned B, unsigned R, bool Signed> void loadKernelIndirect(Warp& w, const Instr& i, u32 exec) {
  using T = Types<B, R, Signed>;
  const u64* address = slot<u64>(w, i.a);
  const u64 size = w.launch->request->parameters.size();
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    u64 at = address[l] + static_cast<u64>(i.imm);
    if (at >> 48 == kParameterWindow >> 48) at -= kParameterWindow;
    if (at > size || size - at < u64{B} * i.n) {
      report(w, w.pc, l, Check::OutOfBounds, Severity::Error, at, "read beyond the " + std::to_string(size) + " bytes of parameters");
      fault(w, Fault::IllegalAddress, "illegal address");
      return;
    }
    for (u32 k = 0; k < i.n; ++k) {
      typename T::M v;
      std::memcpy(&v, w.launch->parameters + at + k * B, B);
      slot<typename T::Reg>(w, i.extra->slots[k])[l] = static_cast<typename T::Reg>(v);
    }
  }
}

template <unsigned B, unsigned R, bool Signed> void loadStorage(Warp& w, const Instr& i, u32 exec) {
  using T = Types<B, R, Signed>;
  for (u32 k = 0; k < i.n; ++k) {
    typename T::Reg* d = slot<typename T::Reg>(w, i.extra->slots[k]);
    const std::byte* from = w.regs + i.a + i.imm + k * B;
    for (u32 m = exec; m != 0; m &= m - 1) {
      const u32 l = static_cast<u32>(std::countr_zero(m));
      typename T::M v;
      std::memcpy(&v, from + l * i.c, B);
      d[l] = static_cast<typename T::Reg>(v);
    }
  }
}

template <unsigned B, unsigned R> void storeStorage(Warp& w, const Instr& i, u32 exec) {
  using T = Types<B, R, false>;
  for (u32 k = 0; k < i.n; ++k) {
    const typename T::Reg* s = slot<typename T::Reg>(w, i.extra->slots[k]);
    std::byte* to = w.regs + i.a + i.imm + k * B;
    for (u32 m = exec; m != 0; m &= m - 1) {
      const u32 l = static_cast<u32>(std::countr_zero(m));
      const auto v = static_cast<typename T::M>(s[l]);
      std::memcpy(to + l * i.c, &v, B);
    }
  }
}

}  // namespace

#define KOFN_WIDTHS(F) F(1, 2) F(1, 4) F(1, 8) F(2, 2) F(2, 4) F(2, 8) F(4, 4) F(4, 8) F(8, 8)

Handler loadKernelParameterHandler(unsigned bytes, unsigned reg, bool isSigned, bool indirect) {
#define KOFN_ONE(B, R)                                                                                   \
  if (bytes == B && reg == R)                                                                            \
    return indirect ? (isSigned ? loadKernelIndirect<B, R, true> : loadKernelIndirect<B, R, false>)      \
                    : (isSigned ? loadKernel<B, R, true> : loadKernel<B, R, false>);
  KOFN_WIDTHS(KOFN_ONE)
#undef KOFN_ONE
  return nullptr;
}

Handler loadParameterHandler(unsigned bytes, unsigned reg, bool isSigned) {
#define KOFN_ONE(B, R) \
  if (bytes == B && reg == R) return isSigned ? loadStorage<B, R, true> : loadStorage<B, R, false>;
  KOFN_WIDTHS(KOFN_ONE)
#undef KOFN_ONE
  return nullptr;
}

Handler storeParameterHandler(unsigned bytes, unsigned reg) {
#define KOFN_ONE(B, R) \
  if (bytes == B && reg == R) return storeStorage<B, R>;
  KOFN_WIDTHS(KOFN_ONE)
  KOFN_ONE(1, 1)
#undef KOFN_ONE
  return nullptr;
}

}  // namespace kofn::sim

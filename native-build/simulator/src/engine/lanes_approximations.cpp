// SPDX-License-Identifier: Apache-2.0
//
// The .approx and .full functions. They need Launch::options (accurate or worst allowed value), unlike all other pure
// lane functions.
#include "engine/announce.hpp"
#include "numerics/numerics.hpp"

namespace kofn::sim {
namespace {

using I = InstructionClass;
using num::Approx;
using num::BF16;
using num::F16;
using u32 = std::uint32_t;

Approx mode(const Warp& w) { return {w.launch->options->worstApproximation, w.launch->options->seed}; }

template <class T, auto F> void approximate(Warp& w, const Instr& i, u32 exec) {
  T* d = slot<T>(w, i.d);
  const T* a = slot<T>(w, i.a);
  const Approx m = mode(w);
  eachLane(exec, [=](int l) { d[l] = F(a[l], m); });
}
template <class T, auto F> void approximatePair(Warp& w, const Instr& i, u32 exec) {
  u32* d = slot<u32>(w, i.d);
  const u32* a = slot<u32>(w, i.a);
  const Approx m = mode(w);
  eachLane(exec, [=](int l) { d[l] = num::pack<T>(F(num::high<T>(a[l]), m), F(num::low<T>(a[l]), m)); });
}
template <auto F> void approximateTwo(Warp& w, const Instr& i, u32 exec) {
  float* d = slot<float>(w, i.d);
  const float *a = slot<float>(w, i.a), *b = slot<float>(w, i.b);
  const Approx m = mode(w);
  eachLane(exec, [=](int l) { d[l] = F(a[l], b[l], m); });
}

template <bool Ftz> void announceSingles(OpTable& t, Announce add) {
  const Form tail(Ftz ? ".ftz" : "", ".f32");
  add(t, Form("ex2.approx", tail), "r=r", I::Special, approximate<float, [](float a, Approx m) { return num::ex2_approx(a, Ftz, m); }>);
  add(t, Form("lg2.approx", tail), "r=r", I::Special, approximate<float, [](float a, Approx m) { return num::lg2_approx(a, Ftz, m); }>);
  add(t, Form("rcp.approx", tail), "r=r", I::Special, approximate<float, [](float a, Approx m) { return num::rcp_approx(a, Ftz, m); }>);
  add(t, Form("rsqrt.approx", tail), "r=r", I::Special, approximate<float, [](float a, Approx m) { return num::rsqrt_approx(a, Ftz, m); }>);
  add(t, Form("sqrt.approx", tail), "r=r", I::Special, approximate<float, [](float a, Approx m) { return num::sqrt_approx(a, Ftz, m); }>);
  add(t, Form("sin.approx", tail), "r=r", I::Special, approximate<float, [](float a, Approx m) { return num::sin_approx(a, Ftz, m); }>);
  add(t, Form("cos.approx", tail), "r=r", I::Special, approximate<float, [](float a, Approx m) { return num::cos_approx(a, Ftz, m); }>);
  add(t, Form("div.approx", tail), "r=rr", I::Special, approximateTwo<[](float a, float b, Approx m) { return num::div_approx(a, b, Ftz, m); }>);
  add(t, Form("div.full", tail), "r=rr", I::Special, approximateTwo<[](float a, float b, Approx m) { return num::div_full(a, b, Ftz, m); }>);
}

template <class T, bool Ftz> void announceHalf(OpTable& t, Announce add, const char* type) {
  add(t, Form("ex2.approx", Ftz ? ".ftz" : "", type), "h=h", I::Special, approximate<T, [](T a, Approx m) { return num::ex2_approx(a, Ftz, m); }>);
  add(t, Form("ex2.approx", Ftz ? ".ftz" : "", type, "x2"), "r=r", I::Special,
      approximatePair<T, [](T a, Approx m) { return num::ex2_approx(a, Ftz, m); }>);
  add(t, Form("tanh.approx", type), "h=h", I::Special, approximate<T, [](T a, Approx m) { return num::tanh_approx(a, m); }>);
  add(t, Form("tanh.approx", type, "x2"), "r=r", I::Special, approximatePair<T, [](T a, Approx m) { return num::tanh_approx(a, m); }>);
}

}  // namespace

void announceApproximations(OpTable& t, Announce add) {
  announceSingles<false>(t, add);
  announceSingles<true>(t, add);
  announceHalf<F16, false>(t, add, ".f16");
  announceHalf<BF16, true>(t, add, ".bf16");
  add(t, "tanh.approx.f32", "r=r", I::Special, approximate<float, [](float a, Approx m) { return num::tanh_approx(a, m); }>);
  add(t, "rcp.approx.ftz.f64", "l=l", I::Special, unary<[](double a) { return num::rcp_approx_f64(a); }, double, double>);
  add(t, "rsqrt.approx.ftz.f64", "l=l", I::Special, unary<[](double a) { return num::rsqrt_approx_f64_ftz(a); }, double, double>);
  add(t, "rsqrt.approx.f64", "l=l", I::Special, unary<[](double a) { return num::rsqrt_approx(a); }, double, double>);
}

}  // namespace kofn::sim

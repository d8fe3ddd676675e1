// SPDX-License-Identifier: Apache-2.0
//
// fma.rn over a whole warp. It is the commonest floating-point instruction, and the build's baseline processor may lack
// an fma instruction: std::fma is then a call a lane. These choose the processor's own at run time.
#pragma once

namespace kofn::sim::num {

/// d[l] = fma(a[l], b[l], c[l]) for 32 lanes, as num::fma without modifiers; d may be a, b or c.
void fma_lanes(float* d, const float* a, const float* b, const float* c);
void fma_lanes(double* d, const double* a, const double* b, const double* c);

} // namespace kofn::sim::num

// SPDX-License-Identifier: Apache-2.0
#pragma once

// How entry points are declared.

#define KOFN_KERNEL(THREADS) extern "C" __global__ void __launch_bounds__(THREADS)
// Two thread blocks a multiprocessor leave a thread the registers that its accumulators need.
#define KOFN_WIDE_KERNEL(THREADS) extern "C" __global__ void __launch_bounds__(THREADS, 2)
#define KOFN_TAKE(T, NAME) __grid_constant__ const kofn::T NAME

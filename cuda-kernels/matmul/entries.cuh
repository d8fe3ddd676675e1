// SPDX-License-Identifier: Apache-2.0
#pragma once

// How entry points are declared.

// Up to 64 registers: left to itself, the compiler spills some to fit more thread blocks on a multiprocessor.
#define KOFN_KERNEL(THREADS) extern "C" __global__ void __launch_bounds__(THREADS, 1024 / THREADS)
// Two thread blocks a multiprocessor leave a thread the registers that its accumulators need.
#define KOFN_WIDE_KERNEL(THREADS) extern "C" __global__ void __launch_bounds__(THREADS, 2)
#define KOFN_TAKE(T, NAME) __grid_constant__ const kofn::T NAME

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gathered.cuh"
#include "tensor_gradient.cuh"
#include "tensor_product.cuh"

// dW = dY^T X on the kept weights, on tensor cores, for blocks of multiples of 16 outputs and any inputs, single columns above all.
//
//                V outputs               X and dY in panels (views.cuh): 64 examples of a kept input, or of an output, lie side by side, which
//             +-----------+             is the contraction: rows as an mma wants them, and nothing is turned
//  128 terms  |  a warp:  |
//             |  32 x V   |              a stage: 64 bytes of 128 gathered inputs and of V outputs, 32 examples (16 of TF32)
//             +-----------+
//
// The stages are those of tensor_product.cuh: its examples are terms here, its results outputs. What a thread copies are the same rows in every
// stage, so that their inputs are looked up once. Examples beyond the batch are zeros. Sums run over the examples of a chunk in ascending order;
// chunks of a split batch are added after (weight_sums.cuh).
//
// Traffic, per example and thread block: 128 + V elements from L2 for 128 V multiply-adds; dW once.

namespace kofn {

// The copies of a thread: one of the four pieces of some rows of X's panels, and of dY's, stage by stage. Rows that there are not are copies of
// others, whose sums nobody stores.
template <class S>
struct PanelCopies {
  static constexpr int kRowsAtOnce = S::kThreads / S::kRowPieces;
  static constexpr int kTermCopies = S::kExamples / kRowsAtOnce, kOutputCopies = (S::BLOCK + kRowsAtOnce - 1) / kRowsAtOnce;
  static constexpr int kDepth = S::kUnits * S::kUnitElements;
  static_assert(kRowsAtOnce % 8 == 0, "one swizzle for all copies of a thread");
  static_assert(kPanel % kDepth == 0, "whole stages");

  int inputs[kTermCopies], outputs[kOutputCopies];
  unsigned place;
  const char *x, *dy;         // this thread's piece of feature 0 in the panel
  long long examples;         // of the panel and those after it
  int at;                     // the stage's first example in the panel
  long long xPanel, dyPanel;  // from panel to panel

  __device__ __forceinline__ PanelCopies(const Pattern& p, const Operands& operands, int row, int firstTerm, int firstOutput,
                                         long long example)
      : at(0) {
    const int inTile = threadIdx.x / S::kRowPieces, piece = threadIdx.x % S::kRowPieces;
    pin(place = inTile * S::kRowBytes + swizzle<S::kRowPieces>(piece, inTile) * kPieceBytes);
#pragma unroll
    for (int j = 0; j < kTermCopies; ++j) {
      const int term = min(firstTerm + inTile + j * kRowsAtOnce, p.k * p.bi - 1), slot = p.bi == 1 ? term : term / p.bi;
      inputs[j] = min(p.column(row, slot) * p.bi + (term - slot * p.bi), p.in - 1);
    }
#pragma unroll
    for (int j = 0; j < kOutputCopies; ++j) outputs[j] = min(firstOutput + inTile + j * kRowsAtOnce, p.out - 1);
    const View &source = operands.source, &upstream = operands.target;
    x = static_cast<const char*>(source.data) + example * source.columns * S::E::kBytes + piece * kPieceBytes;
    dy = static_cast<const char*>(upstream.data) + example * upstream.columns * S::E::kBytes + piece * kPieceBytes;
    examples = source.rows - example;
    xPanel = source.columns * (kPanel * S::E::kBytes);
    dyPanel = upstream.columns * (kPanel * S::E::kBytes);
  }

  __device__ __forceinline__ void produce(unsigned to) {
    const int width = examples < kPanel ? static_cast<int>(examples) : kPanel, step = width * S::E::kBytes;
    const int bytes = at + static_cast<int>(threadIdx.x % S::kRowPieces) * S::kPieceElements < width ? kPieceBytes : 0;
    const char* from = x + at * S::E::kBytes;
    to += place;
#pragma unroll
    for (int j = 0; j < kTermCopies; ++j) copyAsync(to + j * kRowsAtOnce * S::kRowBytes, further(from, inputs[j], step), bytes);
    from = dy + at * S::E::kBytes;
#pragma unroll
    for (int j = 0; j < kOutputCopies; ++j) {
      if (S::BLOCK % kRowsAtOnce != 0 && threadIdx.x >= S::BLOCK * S::kRowPieces) break;
      copyAsync(to + S::kSourceBytes + j * kRowsAtOnce * S::kRowBytes, further(from, outputs[j], step), bytes);
    }
    at += kDepth;
    if (at < kPanel) return;
    at = 0;
    x += xPanel;
    dy += dyPanel;
    examples -= kPanel;
  }
};

// Stores 8 outputs of a term of a block row; zeros beyond the matrix's edge, where packed blocks have places.
struct GatheredGradients {
  const Pattern& p;
  float* values;
  int row;

  __device__ __forceinline__ void storeRun(const View&, long long term, int output, const float (&sums)[8], int count) const {
    const int slot = p.bi == 1 ? static_cast<int>(term) : static_cast<int>(term) / p.bi, column = p.column(row, slot);
    const int input = column * p.bi + (static_cast<int>(term) - slot * p.bi);
    float* to = values + p.position(row, slot, output, input, column);
    if (p.packed && p.bi == 1 && output + 8 <= p.out) {
      kofn::storeRun(View{to, 1, 8, 8, kF32, 0}, 0, 0, sums, 8);
      return;
    }
    if (!p.packed && input >= p.in) return;
    const long long step = p.packed ? p.bi : p.pitch;
#pragma unroll
    for (int i = 0; i < 8; ++i)
      if (i < count) to[i * step] = output + i < p.out && input < p.in ? sums[i] : 0.0f;
  }
};

// operands: X and dY in panels, as many examples each. p.values is the gradient.
template <class S>
__device__ __forceinline__ void gatheredWeightGradient(const Pattern& p, const Operands& operands, const Split& split) {
  __shared__ __align__(128) char memory[S::kStages * S::kStageBytes];
  const int warp = threadIdx.x >> 5, warpM = warp % S::kWarpsM, warpN = warp / S::kWarpsM;
  const int firstOutput = blockIdx.x / operands.tiles * S::BLOCK, row = firstOutput / p.bo;
  const int firstTerm = blockIdx.x % operands.tiles * S::kExamples;
  const Fragments<S> fragments(warpM, warpN);
  const unsigned stages = sharedAddress(memory);
  constexpr int depth = S::kUnits * S::kUnitElements, ahead = S::kStages - 1;

  const long long example = blockIdx.y * split.examples;
  PanelCopies<S> copies(p, operands, row, firstTerm, firstOutput, example);
  const long long examples = min(split.examples, operands.source.rows - example);
  int left = static_cast<int>((examples + depth - 1) / depth);  // stages
  auto begin = [&](bool exists, unsigned to) {
    if (exists) copies.produce(stages + to);
    commitCopies();
  };
#pragma unroll
  for (int s = 0; s < ahead; ++s) begin(s < left, s * S::kStageBytes);
  TensorSums<S> sums = {};
  unsigned stage = 0;
  for (; left > 0; --left) {
    waitCopies<S::kStages - 2>();
    __syncthreads();
    begin(left > ahead, stage == 0 ? ahead * S::kStageBytes : stage - S::kStageBytes);
    multiplyStage<S>(sums, fragments, stages + stage, ~0u);
    stage = stage == ahead * S::kStageBytes ? 0 : stage + S::kStageBytes;
  }
  waitCopies<0>();
  __syncthreads();

  constexpr int columns = S::kTilesN * 16;
  static_assert(S::kThreads / 32 * kStoreFloats<columns> * 4 <= S::kStages * S::kStageBytes, "the epilogue reuses the stages");
  const View terms{nullptr, static_cast<long long>(p.k) * p.bi, 0, 0, kF32, 0};
  const GatheredGradients gradients{p, static_cast<float*>(p.values) + blockIdx.y * split.elements, row};
  storeSums<S::kTilesM, columns>(sums, reinterpret_cast<float*>(memory) + warp * kStoreFloats<columns>, terms,
                                 firstTerm + warpM * S::kTilesM * 16, firstOutput + warpN * columns,
                                 p.packed ? p.blockRows * p.bo : p.out, gradients);
}

}  // namespace kofn

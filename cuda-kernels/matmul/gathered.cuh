// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor_store.cuh"
#include "turned.cuh"

// Y = X W^T on tensor cores for blocks of multiples of 16 outputs and any inputs, single columns above all: V outputs share a list of kept
// inputs, and are the product of these columns of X, gathered, with a dense [terms][V]. Terms are the k blockIn kept inputs of a block row.
//
//                  V results                 X in panels (views.cuh): 64 examples of an input lie side by side, so that a kept column is
//               +-----------+                128 bytes (16-bit types) wherever it is: eight copies of 16 bytes, no element is loaded alone
//  128 examples |  a warp:  |
//               |  32 x V   |                a stage: the columns of 32 terms (16 of TF32), 128 examples each; 32 rows of V weights.
//               +-----------+                Both are turned on their way out of shared memory (turned.cuh)
//
// X is first laid out in panels (stagePanels), once for all block rows; weights that are in place, or in blocks of several inputs, as rows of
// V outputs (stageTerms). Pruned inputs are never loaded. Sums run in the order of the list.
//
// Traffic, per term and thread block: 256 bytes of X and 2 V of W from L2 for 128 V multiply-adds (16-bit types). At 32 bytes a cycle that
// is a quarter of the tensor cores' rate at V = 16, half at 32, all of it from 64 on: what a block row does not share, it loads.

namespace kofn {

// from + index * step, as one multiplication of 32 bits: left alone, the compiler widens the step ahead of a loop, and multiplies 64 bits.
__device__ __forceinline__ const char* further(const char* from, int index, int step) {
  const char* to;
  asm("mad.wide.s32 %0, %1, %2, %3;\n" : "=l"(to) : "r"(index), "r"(step), "l"(from));
  return to;
}

// Copies of the stages. A lane holds the input of its term of the next stage, and passes it to the lanes that copy it.
template <class S>
struct GatheredCopies {
  using Source = TurnedRows<S, S::kM>;
  using Weights = TurnedRows<S, S::kN>;
  static_assert(S::kDepth <= 32 && S::kDepth % Source::kRowsAtOnce == 0, "a lane a term");
  static_assert(Source::kRowsAtOnce % (S::E::kBytes == 2 ? 8 : 4) == 0, "one swizzle for all copies of a thread");

  int row, terms, next;  // block row; its terms; the input of this lane's term of the stage that is copied next, -1 where there is none
  const char* source;    // this thread's piece of input 0
  int step, sourceBytes; // from input to input; 0 where the examples end
  const char* weights;   // this thread's piece of the first row
  long long weightStep;  // from row to row

  __device__ __forceinline__ GatheredCopies(const Pattern& p, const View& x, long long example, int result) {
    row = result / p.bo;
    terms = p.k * p.bi;
    next = fetch(p, threadIdx.x & 31);
    constexpr int panelPieces = kPanel * S::E::kBytes / kPieceBytes;
    const int piece = threadIdx.x % Source::kPieces;
    const long long first = example + piece / panelPieces * kPanel;
    const int width = static_cast<int>(max(min(static_cast<long long>(kPanel), x.rows - first), 0LL));
    step = width * S::E::kBytes;
    const int at = piece % panelPieces * kPieceBytes;
    sourceBytes = at < step ? kPieceBytes : 0;
    source = static_cast<const char*>(x.data) + (sourceBytes > 0 ? first * x.columns * S::E::kBytes + at : 0);
    weightStep = static_cast<long long>(p.bo) * S::E::kBytes;
    weights = static_cast<const char*>(p.values) + (static_cast<long long>(row) * terms + threadIdx.x / Weights::kPieces) * weightStep +
              (result - row * p.bo) * S::E::kBytes + threadIdx.x % Weights::kPieces * kPieceBytes;
  }

  __device__ __forceinline__ int fetch(const Pattern& p, int term) const {
    if (term >= terms) return -1;
    const int slot = p.bi == 1 ? term : term / p.bi, input = p.column(row, slot) * p.bi + (term - slot * p.bi);
    return input < p.in ? input : -1;
  }

  __device__ __forceinline__ void produce(const Pattern& p, int first, unsigned to) {
    const int row = threadIdx.x / Source::kPieces;
    const unsigned sourceTo = to + Source::place(threadIdx.x % Source::kPieces, row);
#pragma unroll
    for (int j = 0; j < Source::kCopies; ++j) {
      const int input = __shfl_sync(0xffffffff, next, row + j * Source::kRowsAtOnce);
      copyAsync(sourceTo + j * Source::kRowsAtOnce * Source::kPieces * kPieceBytes, further(source, input, step),
                input >= 0 ? sourceBytes : 0);
    }
    next = fetch(p, first + S::kDepth + (threadIdx.x & 31));
    const int piece = threadIdx.x % Weights::kPieces, term = threadIdx.x / Weights::kPieces;
#pragma unroll
    for (int j = 0; j < Weights::kCopies; ++j) {
      const int mine = term + j * Weights::kRowsAtOnce;
      if (S::kDepth % Weights::kRowsAtOnce != 0 && mine >= S::kDepth) break;
      const bool exists = first + mine < terms;
      copyAsync(to + S::kSecondFrom + Weights::place(piece, mine), exists ? weights + j * Weights::kRowsAtOnce * weightStep : source,
                exists ? kPieceBytes : 0);
    }
    weights += S::kDepth * weightStep;
  }
};

// p.values: [blockRows][terms][blockOut]. operands.source is in panels.
template <class S>
__device__ __forceinline__ void gatheredProduct(const Pattern& p, const Operands& operands, const Finish& finish) {
  if (operands.isSkipped()) return;
  __shared__ __align__(128) char memory[S::kStages * S::kStageBytes];
  const int warp = threadIdx.x >> 5, warpM = warp % S::kWarpsM, warpN = warp / S::kWarpsM;
  const long long example = static_cast<long long>(blockIdx.x / operands.tiles) * S::kM;
  const int result = blockIdx.x % operands.tiles * S::kN;

  GatheredCopies<S> copies(p, operands.source, example, result);
  TurnedSums<S> sums = {};
  turnedSums<S>(sums, copies.terms, sharedAddress(memory), [&](int first, unsigned to) { copies.produce(p, first, to); });

  constexpr int columns = S::kTilesN * 16;
  static_assert(S::kThreads / 32 * kStoreFloats<columns> * 4 <= S::kStages * S::kStageBytes, "the epilogue reuses the stages");
  storeSums<S::kTilesM, columns>(sums, reinterpret_cast<float*>(memory) + warp * kStoreFloats<columns>, operands.target,
                                 example + warpM * S::kTilesM * 16, result + warpN * columns, p.out, finish);
}

struct Staging {
  View source, target;
  Guard guard;
};

struct TermStaging {
  void* target;
  Guard guard;
  int chunks, parts;  // thread blocks of a block row: along its terms, along its outputs
};

constexpr int kGatherTile = 64;      // inputs of a thread block of stagePanels, outputs of one of stageTerms
constexpr int kGatherThreads = 256;
constexpr int kGatherTerms = 32;     // of a thread block of stageTerms

// X [rows, columns] to panels, of 16-bit elements: 64 examples x 64 inputs a thread block. target.rows are source.rows rounded up to whole
// pieces, the examples more are zeros. ldmatrix.trans turns 8 inputs of 32 examples at a time; its rows are given to it in an order that
// leaves a lane 8 neighbouring examples of an input, 16 bytes. They and the 8 rows that it reads at once differ in `turn`.
__device__ __forceinline__ int panelTurn(int example) { return example % 2 + example / 8 % 4 * 2; }

__device__ __forceinline__ void stagePanels(const Staging& staging) {
  if (staging.guard.isSkipped()) return;
  const View &source = staging.source, &target = staging.target;
  __shared__ __align__(128) uint4 tile[kPanel][kGatherTile / 8];
  const int tiles = (static_cast<int>(source.columns) + kGatherTile - 1) / kGatherTile;
  const long long example = static_cast<long long>(blockIdx.x / tiles) * kPanel;
  const int input = blockIdx.x % tiles * kGatherTile;
#pragma unroll
  for (int j = 0; j < 2; ++j) {
    const int row = threadIdx.x / 8 + j * 32, piece = threadIdx.x % 8, column = input + piece * 8;
    const int count = example + row < source.rows ? min(max(static_cast<int>(source.columns) - column, 0), 8) : 0;
    const long long at = count > 0 ? source.at(example + row, column) : 0;
    uint4 words = make_uint4(0, 0, 0, 0);
    if (isVector(source, at, count)) {
      words = *reinterpret_cast<const uint4*>(static_cast<const unsigned short*>(source.data) + at);
    } else {
      unsigned elements[8];
#pragma unroll
      for (int i = 0; i < 8; ++i)
        elements[i] = i < count ? static_cast<const unsigned short*>(source.data)[source.at(example + row, column + i)] : 0u;
      words = make_uint4(elements[0] | elements[1] << 16, elements[2] | elements[3] << 16, elements[4] | elements[5] << 16,
                         elements[6] | elements[7] << 16);
    }
    tile[row][piece ^ panelTurn(row)] = words;
  }
  __syncthreads();
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, column = input + warp * 8 + lane / 4;
  const long long width = min(static_cast<long long>(kPanel), target.rows - example);
  unsigned short* to = static_cast<unsigned short*>(target.data) + example * target.columns + column * width;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = half * 32 + lane % 8 / 2 * 8 + lane / 8 * 2 + lane % 2, first = half * 32 + lane % 4 * 8;
    uint32_t words[4];
    loadTransposed(words, sharedAddress(&tile[row][warp ^ panelTurn(row)]));
    if (column < source.columns && first < width)
      *reinterpret_cast<uint4*>(to + first) = make_uint4(words[0], words[1], words[2], words[3]);
  }
}

// The same for F32, through single words.
__device__ __forceinline__ void stageWidePanels(const Staging& staging) {
  if (staging.guard.isSkipped()) return;
  const View &source = staging.source, &target = staging.target;
  __shared__ float tile[kPanel][kGatherTile + 1];
  const int tiles = (static_cast<int>(source.columns) + kGatherTile - 1) / kGatherTile;
  const long long example = static_cast<long long>(blockIdx.x / tiles) * kPanel;
  const int input = blockIdx.x % tiles * kGatherTile;
  constexpr int step = kGatherThreads / kPanel;  // rows, then inputs, from one of a thread's elements to the next
  static_assert(kPanel == kGatherTile, "the same threads lie along both");
  const int mine = threadIdx.x % kPanel, first = threadIdx.x / kPanel;
  const int inputs = static_cast<int>(min(static_cast<long long>(kGatherTile), source.columns - input));
  const int rows = mine < inputs ? static_cast<int>(min(static_cast<long long>(kPanel), source.rows - example)) : 0;
  const float* from = static_cast<const float*>(source.data);
  const long long at = (example + first) * source.pitch + input + mine;
#pragma unroll
  for (int j = 0; j < kPanel / step; ++j) {
    const int row = first + j * step;
    float value = 0.0f;
    if (row < rows) value = from[source.panels ? source.at(example + row, input + mine) : at + j * step * source.pitch];
    tile[row][mine] = value;
  }
  __syncthreads();
  const int width = static_cast<int>(min(static_cast<long long>(kPanel), target.rows - example));
  if (mine >= width) return;
  float* to = static_cast<float*>(target.data) + example * target.columns + static_cast<long long>(input + first) * width + mine;
#pragma unroll
  for (int j = 0; j < kGatherTile / step; ++j)
    if (first + j * step < inputs) to[j * step * width] = tile[mine][first + j * step];
}

// Kept weights to [blockRows][terms][blockOut], of 16- or 32-bit elements; zeros beyond the matrix's edge. A thread block takes 32 terms
// and 64 outputs of a block row: it reads along the terms, which are neighbours where many are kept, and writes along the outputs.
template <class Word>
__device__ __forceinline__ void stageTerms(const Pattern& p, const TermStaging& staging) {
  if (staging.guard.isSkipped()) return;
  const int chunks = staging.chunks, parts = staging.parts;
  __shared__ Word tile[kGatherTile][kGatherTerms + (sizeof(Word) == 4 ? 1 : 2)];
  const int part = blockIdx.x % parts, chunk = blockIdx.x / parts % chunks, row = blockIdx.x / parts / chunks;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, terms = p.k * p.bi, firstTerm = chunk * kGatherTerms;
  const int term = firstTerm + lane, inRow = part * kGatherTile;
  const int outputs = min(kGatherTile, p.bo - inRow);
  if (term < terms) {
    const int slot = term / p.bi, column = p.column(row, slot), input = column * p.bi + (term - slot * p.bi);
    for (int o = warp; o < outputs; o += kGatherThreads / 32) {
      const int output = row * p.bo + inRow + o;
      const bool inside = output < p.out && input < p.in;
      tile[o][lane] = inside ? static_cast<const Word*>(p.values)[p.position(row, slot, output, input, column)] : static_cast<Word>(0);
    }
  }
  __syncthreads();
  Word* to = static_cast<Word*>(staging.target) + (static_cast<long long>(row) * terms + firstTerm) * p.bo + inRow;
  const int count = min(kGatherTerms, terms - firstTerm);
  for (int e = threadIdx.x; e < count * outputs; e += kGatherThreads) to[e / outputs * static_cast<long long>(p.bo) + e % outputs] = tile[e % outputs][e / outputs];
}

}  // namespace kofn

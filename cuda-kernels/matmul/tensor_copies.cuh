// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <climits>
#include <type_traits>

#include "mma.cuh"
#include "views.cuh"

// What feeds tensor_product.cuh: the copies of a stage's two units of X and W, and the lists of units that they follow.

namespace kofn {

// PARTS: what a stage takes from the lists. 2: whole units. 4: halves of units, for blocks of an odd number of them, each half a neighbour of
// the other in the union. Where a line keeps one of the two, the other's weights are zeros, which annihilate integers, and only those.
template <class E_, int BLOCK_, int R_, int WARPS_M, int WARPS_N, bool BACK_, int PARTS = 2>
struct TensorShape {
  using E = E_;
  static constexpr int BLOCK = BLOCK_, R = R_;
  static constexpr bool BACK = BACK_;
  static constexpr int kWarpsM = WARPS_M, kWarpsN = WARPS_N;
  static constexpr int kThreads = 32 * WARPS_M * WARPS_N;
  static constexpr int kExamples = 128, kResults = BLOCK * R;
  static constexpr int kTilesM = kExamples / WARPS_M / 16;   // m16 tiles of a warp
  static constexpr int kTilesN = BLOCK / WARPS_N / 16;       // n16 tiles of a warp in each line
  static constexpr int kUnits = 2;                           // of a stage
  static constexpr int kRowBytes = kUnits * kUnitBytes;
  static constexpr int kRowPieces = kRowBytes / kPieceBytes;
  static constexpr int kParts = PARTS, kPartPieces = kRowPieces / PARTS;
  static constexpr int kSourceBytes = kExamples * kRowBytes, kWeightBytes = kResults * kRowBytes;
  static constexpr int kStageBytes = kSourceBytes + kWeightBytes;
  static constexpr int kStages = 49152 / kStageBytes;
  static constexpr int kSourceCopies = kExamples * kRowPieces / kThreads, kWeightCopies = kResults * kRowPieces / kThreads;
  static constexpr int kUnitElements = kUnitBytes / E::kBytes;
  static constexpr int kPieceElements = kPieceBytes / E::kBytes;
  static constexpr int kPartBytes = kPartPieces * kPieceBytes, kPartElements = kPartBytes / E::kBytes;
  static constexpr int kLineRowPieces = BLOCK * E::kBytes / kPieceBytes;  // backward: a row of W in a line
  static_assert(R == 1 || WARPS_N == 1, "lines of one warp column");
  static_assert(PARTS == 2 || (PARTS == 4 && R > 1 && R <= 8 && !BACK && std::is_integral<typename E::Sum>::value),
                "halves: 32 lanes hold the places of all; integers");
};

// Backward rows of W: for ldmatrix.trans as for ldmatrix; single words are read 8 along a row and 4 rows at a time.
template <class S>
__device__ __forceinline__ int turnBack(int piece, int k) {
  if constexpr (S::E::kBytes == 4) return S::BLOCK == 16 ? piece ^ (k >> 1 & 1) << 1 : piece ^ (k & 3) << 1;
  return swizzle<S::kLineRowPieces>(piece, k);
}

// The places that a thread fills in a stage, and where their rows begin in memory. A thread copies one of the four pieces of 16 bytes of some
// examples; of W forward the same piece of some results, backward pieces of some rows of the contraction.
template <class S>
struct CopyPlaces {
  static constexpr int kUnitPieces = S::kLineRowPieces * S::kUnitElements * S::R;  // of W, backward
  static constexpr int kSourceRows = S::kThreads / S::kRowPieces;

  const char* source;
  unsigned sourceTo;
  int part, piece; // which part of a stage, and which piece of it
  int rows;        // of X, from this thread's first
  const char* weights[S::kWeightCopies];
  unsigned weightTo[S::kWeightCopies];
  int weightBytes[S::kWeightCopies];  // forward: 16 or 0; backward: what the row of W has left

  __device__ __forceinline__ CopyPlaces(const Pattern& p, const View& x, long long example, int firstLine, unsigned stages) {
    const int inRow = threadIdx.x % S::kRowPieces, row = threadIdx.x / S::kRowPieces;
    part = inRow / S::kPartPieces;
    piece = inRow % S::kPartPieces;
    rows = static_cast<int>(min(x.rows - example - row, static_cast<long long>(S::kExamples)));
    source = static_cast<const char*>(x.data) + (example + row) * x.pitch * S::E::kBytes + piece * kPieceBytes;
    sourceTo = stages + row * S::kRowBytes + swizzle<S::kRowPieces>(inRow, row) * kPieceBytes;
    if (S::R > 1) pin(sourceTo);
    const char* values = static_cast<const char*>(p.values);
#pragma unroll
    for (int j = 0; j < S::kWeightCopies; ++j) {
      const int number = threadIdx.x + j * S::kThreads;
      if (S::BACK) {
        const int inLine = number % S::kLineRowPieces, k = depthOf(j);
        const int input = (firstLine + lineOf(j)) * S::BLOCK + inLine * S::kPieceElements;
        const long long at = p.packed ? static_cast<long long>(k) * p.bi + input % p.bi : k * p.pitch + input;
        weights[j] = values + at * S::E::kBytes;
        weightBytes[j] = min(max((p.in - input) * S::E::kBytes, 0), kPieceBytes);
        weightTo[j] = stages + S::kSourceBytes + (number / S::kLineRowPieces * S::kLineRowPieces + turnBack<S>(inLine, k)) * kPieceBytes;
      } else {
        const int n = number / S::kRowPieces, output = firstLine * S::BLOCK + n;
        const long long at = p.packed ? (static_cast<long long>(output / p.bo) * p.k * p.bo + output % p.bo) * p.bi : output * p.pitch;
        weights[j] = values + at * S::E::kBytes + piece * kPieceBytes;
        weightBytes[j] = output < p.out ? kPieceBytes : 0;
        weightTo[j] = stages + S::kSourceBytes + n * S::kRowBytes + swizzle<S::kRowPieces>(inRow, n) * kPieceBytes;
      }
      if (S::R > 1) pin(weightTo[j]);
    }
  }

  // Of copy j of W: its line, its part, and backward its row in the part, a unit.
  static __device__ __forceinline__ int lineOf(int j) {
    const int number = threadIdx.x + j * S::kThreads;
    if (S::R == 1) return 0;
    return S::BACK ? number / (S::kLineRowPieces * S::kUnitElements) % S::R : number / S::kRowPieces / S::BLOCK;
  }
  __device__ __forceinline__ int partOf(int j) const {
    if (!S::BACK) return part;
    return kUnitPieces % S::kThreads == 0 ? j / (kUnitPieces / S::kThreads) : (threadIdx.x + j * S::kThreads) / kUnitPieces;
  }
  static __device__ __forceinline__ int depthOf(int j) { return (threadIdx.x + j * S::kThreads) / S::kLineRowPieces % S::kUnitElements; }

  // X of this thread's part, which begins `from` bytes along the contraction; `left` bytes of the contraction from its piece on.
  __device__ __forceinline__ void copySource(const View& x, unsigned to, long long from, int left) const {
    const int bytes = min(max(left, 0), kPieceBytes);
    const char* at = source + from;
    const long long step = kSourceRows * S::E::kBytes * x.pitch;
#pragma unroll
    for (int j = 0; j < S::kSourceCopies; ++j, at += step)
      copyAsync(sourceTo + to + j * kSourceRows * S::kRowBytes, at, j * kSourceRows < rows ? bytes : 0);
  }
};

// Copies for several lines: the union of their lists. Lane r walks line r's list of blocks, and all step from block to block of the union,
// through the parts of each. The next block's index is loaded while the present one is consumed.
template <class S>
struct UnionCopies {
  CopyPlaces<S> places;
  int line, position, end;      // this lane's list: slots, or entries of the companion
  int block, ahead;             // its present block, and the next; INT_MAX at the end
  int unionBlock, part, parts;  // of the union; INT_MAX at the end
  unsigned mask;                // which lines keep it
  unsigned blockPieces, rowPieces;

  __device__ __forceinline__ UnionCopies(const Pattern& p, const Operands& o, long long example, int firstLine, unsigned stages)
      : places(p, o.source, example, firstLine, stages) {
    const int lane = threadIdx.x & 31, mine = (firstLine + lane) * S::BLOCK;
    const bool exists = lane < S::R && mine < (S::BACK ? p.in : p.out);
    line = mine / (S::BACK ? p.bi : p.bo);
    parts = (S::BACK ? p.bo : p.bi) / S::kPartElements;
    position = S::BACK && exists ? o.companion.starts[line] : 0;
    end = !exists ? 0 : S::BACK ? o.companion.starts[line + 1] : p.k;
    blockPieces = p.bo * p.bi / S::kPieceElements;
    rowPieces = static_cast<unsigned>((p.packed ? p.bi : p.pitch) / S::kPieceElements);
    block = fetch(p, o.companion, position);
    ahead = fetch(p, o.companion, position + 1);
    meet();
  }

  __device__ __forceinline__ int fetch(const Pattern& p, const Companion& c, int at) const {
    return at >= end ? INT_MAX : S::BACK ? c.rows[at] : p.column(line, at);
  }

  __device__ __forceinline__ void meet() {
    unionBlock = __reduce_min_sync(0xffffffff, block);
    mask = unionBlock == INT_MAX ? 0 : __ballot_sync(0xffffffff, block == unionBlock);
    part = 0;
  }

  // The present part: its number along the contraction, or INT_MAX; where this lane's line has its weights, in pieces from where those of
  // the line begin.
  __device__ __forceinline__ int number() const { return mask == 0 ? INT_MAX : unionBlock * parts + part; }
  __device__ __forceinline__ unsigned pieces(const Pattern& p, const Companion& c, int number) const {
    if (!S::BACK) return p.packed ? position * blockPieces + part * S::kPartPieces : number * S::kPartPieces;
    if (!p.packed) return number * S::kPartElements * rowPieces;
    if (position >= end) return 0;
    return (static_cast<unsigned>(block) * p.k + c.slots[position]) * blockPieces + part * S::kPartElements * rowPieces;
  }

  __device__ __forceinline__ void advance(const Pattern& p, const Companion& c) {
    const int limit = S::BACK ? p.out : p.in;
    if (++part < parts && number() * S::kPartElements < limit) return;  // the last block may be cut off by the matrix's edge
    if (block == unionBlock) {
      ++position;
      block = ahead;
      ahead = fetch(p, c, position + 1);
    }
    meet();
  }

  // Begins a stage's copies; which lines keep its units, 16 bits a unit.
  __device__ __forceinline__ unsigned produce(const Pattern& p, const Operands& o, unsigned to) {
    int numbers[S::kParts];
    unsigned masks[S::kParts], at[S::kParts];
#pragma unroll
    for (int u = 0; u < S::kParts; ++u) {
      numbers[u] = number();
      masks[u] = mask;
      at[u] = pieces(p, o.companion, numbers[u]);
      if (mask != 0) advance(p, o.companion);
    }
    if (masks[0] != 0) issue(p, o.source, to, numbers, masks, at);
    commitCopies();
    if constexpr (S::kParts == 4) return (masks[0] | masks[1]) | (masks[2] | masks[3]) << 16;
    return masks[0] | masks[1] << 16;
  }

  // Of a stage's parts, the one of a number.
  template <class T>
  static __device__ __forceinline__ T pick(const T (&of)[S::kParts], int part) {
    if constexpr (S::kParts == 4) return part & 2 ? (part & 1 ? of[3] : of[2]) : (part & 1 ? of[1] : of[0]);
    return part ? of[1] : of[0];
  }

  __device__ __forceinline__ void issue(const Pattern& p, const View& x, unsigned to, const int (&numbers)[S::kParts],
                                        const unsigned (&masks)[S::kParts], const unsigned (&at)[S::kParts]) const {
    const int limit = S::BACK ? p.out : p.in, lane = threadIdx.x & 31;
    const int mine = pick(numbers, places.part);
    const bool any = pick(masks, places.part) != 0;
    const int left = any ? (limit - mine * S::kPartElements - places.piece * S::kPieceElements) * S::E::kBytes : 0;
    places.copySource(x, to, any ? static_cast<long long>(mine) * S::kPartBytes : 0, left);
    // Lane r has line r's place of the first part; lanes from 32 / kParts on those of the second, and so on.
    constexpr int lanes = 32 / S::kParts;
    unsigned all = at[0];
#pragma unroll
    for (int u = 1; u < S::kParts; ++u) {
      const unsigned other = __shfl_sync(0xffffffff, at[u], lane % lanes);
      if (lane / lanes == u) all = other;
    }
#pragma unroll
    for (int j = 0; j < S::kWeightCopies; ++j) {
      const int which = places.partOf(j), line = places.lineOf(j);
      const unsigned from = __shfl_sync(0xffffffff, all, which * lanes + line);
      const bool kept = pick(masks, which) >> line & 1;
      int bytes = places.weightBytes[j];
      if (S::BACK) {
        if (pick(numbers, which) * S::kUnitElements + places.depthOf(j) >= p.out) bytes = 0;
      } else {
        bytes = min(bytes, max(left, 0));
      }
      if constexpr (S::kParts == 4) {
        const bool other = pick(masks, which ^ 1) >> line & 1;
        if (kept || other)
          copyAsync(places.weightTo[j] + to, places.weights[j] + (kept ? static_cast<unsigned long long>(from) * kPieceBytes : 0),
                    kept ? bytes : 0);
      } else if (kept) {
        copyAsync(places.weightTo[j] + to, places.weights[j] + static_cast<unsigned long long>(from) * kPieceBytes, bytes);
      }
    }
  }
};

// Copies for one line, whose list all lanes walk alike. Within a block a stage is 64 bytes further; only from block to block is anything
// looked up.
template <class S>
struct LineCopies {
  // Every other unit of the list.
  struct Walk {
    int position, part;  // the present block in the list, and the unit in the block
    int ahead;           // the next block
    long long source;    // the unit's place along the contraction, in bytes
    long long weights;   // where the line has its weights, in bytes
    int left;            // elements of the contraction from the unit on; 0 beyond the end
  };
  // Forward a thread needs one of a stage's two units, backward both.
  static constexpr int kWalks = S::BACK ? S::kUnits : 1;

  CopyPlaces<S> places;
  Walk walks[kWalks];
  int line, first, end, parts, step;  // step: from one block to the next that a walk meets
  int stagesLeft;
  long long unitBytes, blockBytes;    // of W

  __device__ __forceinline__ LineCopies(const Pattern& p, const Operands& o, long long example, int firstLine, unsigned stages)
      : places(p, o.source, example, firstLine, stages) {
    line = firstLine * S::BLOCK / (S::BACK ? p.bi : p.bo);
    parts = (S::BACK ? p.bo : p.bi) / S::kUnitElements;
    step = parts == 1 ? S::kUnits : 1;
    first = S::BACK ? o.companion.starts[line] : 0;
    end = S::BACK ? o.companion.starts[line + 1] : p.k;
    stagesLeft = ((end - first) * parts + 1) / S::kUnits;
    unitBytes = S::BACK ? (p.packed ? p.bi : p.pitch) * S::E::kBytes * S::kUnitElements : kUnitBytes;
    blockBytes = static_cast<long long>(p.bo) * p.bi * S::E::kBytes;
#pragma unroll
    for (int w = 0; w < kWalks; ++w) {
      const int unit = S::BACK ? w : places.part;
      walks[w].position = first + unit / parts;
      walks[w].part = unit % parts;
      enter(walks[w], p, o.companion, fetch(p, o.companion, walks[w].position));
    }
  }

  __device__ __forceinline__ int fetch(const Pattern& p, const Companion& c, int at) const {
    return at >= end ? 0 : S::BACK ? c.rows[at] : p.column(line, at);
  }

  __device__ __forceinline__ void enter(Walk& w, const Pattern& p, const Companion& c, int block) const {
    const int unit = block * parts + w.part;
    const bool exists = w.position < end;
    w.source = exists ? static_cast<long long>(unit) * kUnitBytes : 0;
    w.left = exists ? (S::BACK ? p.out : p.in) - unit * S::kUnitElements : 0;
    long long number = S::BACK ? block : w.position;
    if (S::BACK && p.packed && exists) number = number * p.k + c.slots[w.position];
    w.weights = !exists ? 0 : p.packed ? number * blockBytes + w.part * unitBytes : unit * unitBytes;
    w.ahead = fetch(p, c, w.position + step);
  }

  __device__ __forceinline__ void advance(Walk& w, const Pattern& p, const Companion& c) const {
    w.part += S::kUnits;
    w.source += S::kRowBytes;
    w.weights += S::kUnits * unitBytes;
    w.left -= S::kUnits * S::kUnitElements;
    if (w.part < parts) return;
    w.part -= parts * step;
    w.position += step;
    enter(w, p, c, w.ahead);
  }

  __device__ __forceinline__ unsigned produce(const Pattern& p, const Operands& o, unsigned to) {
    const bool any = stagesLeft > 0;
    if (any) {
      --stagesLeft;
      const long long source = S::BACK && places.part ? walks[kWalks - 1].source : walks[0].source;
      const int elements = S::BACK && places.part ? walks[kWalks - 1].left : walks[0].left;
      const int left = (elements - places.piece * S::kPieceElements) * S::E::kBytes;
      places.copySource(o.source, to, source, left);
#pragma unroll
      for (int j = 0; j < S::kWeightCopies; ++j) {
        const int which = S::BACK ? places.partOf(j) : 0;
        const long long from = S::BACK && which ? walks[kWalks - 1].weights : walks[0].weights;
        int bytes = places.weightBytes[j];
        if (S::BACK) {
          if (places.depthOf(j) >= (which ? walks[kWalks - 1].left : walks[0].left)) bytes = 0;
        } else {
          bytes = min(bytes, max(left, 0));
        }
        copyAsync(places.weightTo[j] + to, places.weights[j] + from, bytes);
      }
#pragma unroll
      for (int w = 0; w < kWalks; ++w) advance(walks[w], p, o.companion);
    }
    commitCopies();
    return any;
  }
};

template <class S>
using TensorCopies = typename std::conditional<S::R == 1, LineCopies<S>, UnionCopies<S>>::type;

}  // namespace kofn

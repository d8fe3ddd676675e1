// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <climits>

#include "mma.cuh"
#include "views.cuh"

namespace kofn {

// The contraction of one line of results as an ascending list of units of 32 bytes: forward, the kept inputs of a block row; backward, the
// outputs that keep a block column. The next block's index is loaded while the present block is consumed.
template <class E, bool BACK>
struct UnitList {
  static constexpr int kElements = kUnitBytes / E::kBytes;

  int unit;           // the present one, along the whole contraction; INT_MAX at the end
  int position, end;  // in the list of blocks: slots, or entries of the companion
  int part, parts;    // of the present block
  int block, ahead, limit;

  // The list of a line: a block row, or a block column backward. A line that does not exist has an empty list.
  __device__ __forceinline__ UnitList(const Pattern& p, const Companion& c, int line, bool exists) {
    parts = (BACK ? p.bo : p.bi) / kElements;
    limit = BACK ? p.out : p.in;
    position = BACK && exists ? c.starts[line] : 0;
    end = !exists ? 0 : BACK ? c.starts[line + 1] : p.k;
    part = 0;
    block = fetch(p, c, line, position);
    ahead = fetch(p, c, line, position + 1);
    settle();
  }

  __device__ __forceinline__ int fetch(const Pattern& p, const Companion& c, int line, int at) const {
    if (at >= end) return 0;
    return BACK ? c.rows[at] : p.column(line, at);
  }

  // The last block may be cut off by the matrix's edge.
  __device__ __forceinline__ void settle() {
    unit = position < end ? block * parts + part : INT_MAX;
    if (unit != INT_MAX && unit * kElements >= limit) unit = INT_MAX;
  }

  __device__ __forceinline__ void advance(const Pattern& p, const Companion& c, int line) {
    if (++part == parts) {
      part = 0;
      ++position;
      block = ahead;
      ahead = fetch(p, c, line, position + 1);
    }
    settle();
  }

  // Where the unit's weights lie, in pieces of 16 bytes from where those of the line begin.
  __device__ __forceinline__ unsigned pieces(const Pattern& p, const Companion& c) const {
    constexpr int perUnit = kUnitBytes / kPieceBytes;
    const unsigned blockPieces = p.bo * p.bi / (kPieceBytes / E::kBytes);
    if (!BACK) return p.packed ? position * blockPieces + part * perUnit : unit * perUnit;
    const unsigned rowPieces = static_cast<unsigned>((p.packed ? p.bi : p.pitch) * E::kBytes / kPieceBytes);
    if (!p.packed) return unit * kElements * rowPieces;
    if (position >= end) return 0;
    return (static_cast<unsigned>(block) * p.k + c.slots[position]) * blockPieces + part * kElements * rowPieces;
  }
};

}  // namespace kofn

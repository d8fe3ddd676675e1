// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "draw_block.cuh"

// Long rows, and few of them: a row is cut into chunks of 4 * kStreamQuads * blockDim.x columns that any block may work on; what the
// chunks found is combined by the next launch, never by a barrier across blocks.
//
//   1 sample   row      keys of up to 8192 columns give a floor that k keys of the row reach almost surely, and few more
//   2 filter   chunk    all keys; the chunk's survivors, those that reach the floor, go to the workspace with their columns, in order
//   3 filter   chunk    again without a floor, for rows in which fewer than k keys reached it; others have nothing to do
//   4 refine   chunk    histogram of the survivors' upper 11 bits
//   5 pick     row      the bin that holds the k-th largest, and how many are wanted from it
//   6 refine   chunk    histogram of the next 11 bits within that bin             then 5 again
//   7 refine   chunk    histogram of the last 10 bits                             then 5 again: the threshold, and the ties wanted
//   8 count    chunk    survivors above the threshold, and equal to it
//   9 offsets  row      prefix sums over the row's chunks
//  10 emit     chunk    indices, keys, masks
//
// Histograms are integers: their atomics commute, so the result does not depend on the schedule. Exactness comes from counts, never from
// the sample. Traffic: 4 bytes an element, the sample's 1.6 % again, and for each survivor 6 bytes written, 4 read by each of 4, 6, 7 and
// 8, and 6 by 10.
//
// With approximate keys (fast_gumbel.cuh) the filter keeps what may reach the floor and evaluates exact keys for that alone.
namespace kofn {

constexpr int kBins = 2048;
constexpr int kStreamQuads = 4;     // of a thread; CudaSampling.Chunks knows it
constexpr int kSampleQuads = 8;     // of a thread, at most
constexpr int kFewSurvivors = 256;  // of a chunk
constexpr int kSampleEvery = 64;    // one line of 32 columns in so many, or as many as the sample holds

struct Stream {
  unsigned* keys;         // [rows, paddedN]: a chunk's survivors at its first column on, biased to unsigned order
  unsigned short* places; // [rows, paddedN]: their columns within the chunk
  unsigned* histogram;    // [rows, kBins], zero at the start of every step that fills it
  unsigned* prefix;       // [rows]: the bits of the threshold found so far
  int* wanted;            // [rows]: how many of the k must still come from the bin
  int* drawable;          // [rows]: entries above -infinity
  int* reached;           // [rows]: keys that reached the floor
  float* floors;          // [rows]
  int* counts;            // [rows, 3, chunks]: above and equal, then their offsets; survivors
  long long paddedN;
  int chunks;
  int level;              // 0, 1, 2: which bits the histogram is over; in step 3, 1
};

__device__ __forceinline__ unsigned biased(int o) { return static_cast<unsigned>(o) ^ 0x80000000u; }

__device__ __forceinline__ unsigned binOf(unsigned key, int level) {
  return level == 0 ? key >> 21 : level == 1 ? key >> 10 & 2047u : key & 1023u;
}

// The bits of a key above the ones that this level's histogram is over; 64 bits, since level 0 has none.
__device__ __forceinline__ unsigned above(unsigned key, int level) {
  return level == 0 ? 0u : level == 1 ? key >> 21 : key >> 10;
}

__device__ __forceinline__ int* survivors(const Stream& s, long long row) { return s.counts + (3 * row + 2) * s.chunks; }

__device__ __forceinline__ int chunkColumns() { return 4 * kStreamQuads * blockDim.x; }

// Every chunk's first column in the workspace.
__device__ __forceinline__ long long chunkStart(const Stream& s, long long row) {
  return row * s.paddedN + static_cast<long long>(blockIdx.x) * chunkColumns();
}

__device__ __forceinline__ void flushHistogram(unsigned* shared, unsigned* global) {
  __syncthreads();
  for (int i = threadIdx.x; i < kBins; i += blockDim.x) {
    if (shared[i] != 0) atomicAdd(&global[i], shared[i]);
  }
}

__device__ __forceinline__ void clearShared(unsigned* shared) {
  for (int i = threadIdx.x; i < kBins; i += blockDim.x) shared[i] = 0;
  __syncthreads();
}

// One block a row. Of a sample of S columns the r-th largest key is the floor, with r four deviations and four above S k / n.
template <typename T>
__device__ void streamSample(const Draw& d, const Stream& s) {
  __shared__ int sums[64];
  Block team{static_cast<int>(threadIdx.x), nullptr, sums};
  const long long row = blockIdx.x;
  const int lines = d.n / 32;
  const int sampled = min(max(lines / kSampleEvery, min(lines, 16)), kSampleQuads * static_cast<int>(blockDim.x) / 8);
  const int stride = sampled > 0 ? lines / sampled : 0;
  const T* logits = static_cast<const T*>(d.logits) + row * d.pitch;
  const bool aligned = isAligned(logits);
  const unsigned step = stepOf(d);
  float x[4 * kSampleQuads];
  float sum = 0;
#pragma unroll
  for (int q = 0; q < kSampleQuads; ++q) {
    const int i = q * blockDim.x + threadIdx.x;
    float v[4] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
    if (i < 8 * sampled) {
      const int quad = 8 * stride * (i / 8) + i % 8;
      loadQuad(logits + 4 * quad, aligned, 4, v);
      if (d.fast) {
        fastKeys(d, step, static_cast<unsigned>(row), static_cast<unsigned>(quad), v);
      } else if (d.beta != 0.0f) {
        noiseKeys(d, step, static_cast<unsigned>(row), static_cast<unsigned>(quad), v);
      }
      sum += (v[0] + v[1]) + (v[2] + v[3]);
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) x[4 * q + j] = v[j];
  }
  const int size = 32 * sampled;
  const float share = static_cast<float>(d.k) / static_cast<float>(d.n);
  const float expected = share * static_cast<float>(size);
  const int rank = static_cast<int>(expected + 4.0f * sqrtf(expected * (1.0f - share)) + 5.0f);
  Search search;
  search.countLo = size;
  sum = team.sum(sum);
  bool none = rank >= size;
  if (!isFinite(sum)) none |= inspect(team, x, rank, sum, search);
  start(d, team, x, sum, search.countLo, search);
  kofn::search(team, x, rank, !none && search.countLo != rank, search);
  if (threadIdx.x == 0) s.floors[row] = none ? kLowest : search.lo + (d.fast ? kGumbelShift * d.beta : 0.0f);
}

// The least approximate key that a key reaching the floor can have.
__device__ __forceinline__ float fastFloor(const Draw& d, float floor) {
  const float width = fmaf(fabsf(floor), 0x1p-20f, d.beta * kFastKeyWidth);
  return floor > -1e37f ? fminf(fmaxf(floor - kGumbelShift * d.beta - width, kLowest), 1e37f) : kLowest;
}

template <typename T, int Threads>
__device__ void streamFilter(const Draw& d, const Outputs& o, const Stream& s) {
  constexpr int Keys = 4 * kStreamQuads;
  __shared__ int sums[64];
  __shared__ unsigned bits[Threads * Keys / 32];
  __shared__ float4 staged[Threads * kStreamQuads];
  const long long row = blockIdx.y;
  const bool again = s.level == 1;
  const float floor = s.floors[row];
  if (again && (s.reached[row] >= d.k || floor <= kLowest)) return;
  Block team{static_cast<int>(threadIdx.x), reinterpret_cast<unsigned char*>(bits), sums};

  // The chunk as a row of its own.
  const int firstQuad = blockIdx.x * kStreamQuads * blockDim.x;
  Draw chunk = d;
  chunk.logits = static_cast<const T*>(d.logits) + 4ll * firstQuad;
  chunk.n = min(d.n - 4 * firstQuad, chunkColumns());
  const bool approximate = d.fast && !again;
  const float least = again ? kLowest : approximate ? fastFloor(d, floor) : floor;
  const unsigned step = stepOf(d), r = static_cast<unsigned>(row);
  float x[Keys];
  float sum;
  if (approximate) {
    sum = makeKeys<T>(chunk, row, team.lane, team.lanes(), x,
                      [&](unsigned quad, float (&v)[4]) { fastKeys(d, step, r, firstQuad + quad, v); });
  } else {
    sum = makeKeys<T>(chunk, row, team.lane, team.lanes(), x, [&](unsigned quad, float (&v)[4]) {
      if (d.beta != 0.0f) noiseKeys(d, step, r, firstQuad + quad, v);
    });
#pragma unroll
    for (int q = 0; q < kStreamQuads; ++q) {
      staged[q * blockDim.x + threadIdx.x] = make_float4(x[4 * q], x[4 * q + 1], x[4 * q + 2], x[4 * q + 3]);
    }
  }

  int drawable = chunk.n;
  if (team.anyLane(!isFinite(sum))) {
    bool nan = false;
#pragma unroll
    for (int i = 0; i < Keys; ++i) nan |= x[i] != x[i];
    if (nan) reportBadRow(o, row);
    drawable = team.sum(countReach(x, kLowest));
  }

  const unsigned word = rowWord<kStreamQuads>(team, maskReach(x, least));
  const int slot = team.before(__popc(word));
  const int found = team.sum(__popc(word));
  int reached = 0;
  const long long at = chunkStart(s, row);
  forEachDrawn(word, slot, [&](int to, int bit) {
    const int place = 32 * team.lane + bit;
    const float key = approximate ? singleKey<T>(d, row, 4 * firstQuad + place) : reinterpret_cast<const float*>(staged)[place];
    s.keys[at + to] = biased(ordered(key));
    s.places[at + to] = static_cast<unsigned short>(place);
    reached += key >= floor;
  });
  reached = team.sum(reached);
  if (threadIdx.x == 0) {
    survivors(s, row)[blockIdx.x] = found;
    if (!again) {
      if (drawable != 0) atomicAdd(&s.drawable[row], drawable);
      if (reached != 0) atomicAdd(&s.reached[row], reached);
    }
  }
}

__device__ inline void streamRefine(const Stream& s) {
  __shared__ unsigned histogram[kBins];
  const long long row = blockIdx.y;
  const int found = survivors(s, row)[blockIdx.x];
  if (found == 0) return;
  const unsigned prefix = s.prefix[row];
  const unsigned* keys = s.keys + chunkStart(s, row);
  unsigned* all = s.histogram + row * kBins;
  // Few survivors go straight to the row's histogram: clearing and adding a chunk's own would cost more.
  const bool few = found < kFewSurvivors;
  if (!few) clearShared(histogram);
  for (int i = threadIdx.x; i < found; i += blockDim.x) {
    const unsigned key = keys[i];
    if (above(key, s.level) == prefix) atomicAdd(few ? &all[binOf(key, s.level)] : &histogram[binOf(key, s.level)], 1u);
  }
  if (!few) flushHistogram(histogram, all);
}

// One block of 256 threads a row: the highest bin at which the count from above reaches what is wanted. Leaves the histogram zero.
__device__ inline void streamPick(const Draw& d, const Outputs& o, const Stream& s) {
  __shared__ int sums[64];
  const long long row = blockIdx.x;
  unsigned* histogram = s.histogram + row * kBins;
  const int each = kBins / blockDim.x;
  const int bins = s.level == 2 ? 1024 : kBins;
  const int wanted = s.level == 0 ? d.k : s.wanted[row];
  if (s.level == 0 && threadIdx.x == 0 && s.drawable[row] < d.k) reportBadRow(o, row);
  // Thread t looks at bins from the top: bins - 1 - t * each, downwards.
  int mine = 0;
  for (int i = 0; i < each; ++i) {
    const int bin = bins - 1 - static_cast<int>(threadIdx.x) * each - i;
    if (bin >= 0) mine += static_cast<int>(histogram[bin]);
  }
  const int from = blockBefore(mine, sums, 0);
  if (from < wanted && from + mine >= wanted) {
    int count = from;
    for (int i = 0; i < each; ++i) {
      const int bin = bins - 1 - static_cast<int>(threadIdx.x) * each - i;
      const int here = static_cast<int>(histogram[bin]);
      if (count + here >= wanted) {
        const unsigned old = s.level == 0 ? 0u : s.prefix[row];
        s.prefix[row] = s.level == 2 ? old << 10 | bin : old << 11 | bin;
        s.wanted[row] = wanted - count;
        break;
      }
      count += here;
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < kBins; i += blockDim.x) {
    if (histogram[i] != 0) histogram[i] = 0;  // most are zero, and stay clean in the cache
  }
}

// A row that cannot be drawn from, and every row at k = 0, draws nothing.
__device__ __forceinline__ bool drawsNothing(const Draw& d, const Stream& s, long long row) {
  return d.k == 0 || s.drawable[row] < d.k;
}

__device__ inline void streamCount(const Draw& d, const Stream& s) {
  __shared__ int sums[64];
  const long long row = blockIdx.y;
  const int found = drawsNothing(d, s, row) ? 0 : survivors(s, row)[blockIdx.x];
  const unsigned threshold = s.prefix[row];
  const unsigned* keys = s.keys + chunkStart(s, row);
  int larger = 0, equal = 0;
  for (int i = threadIdx.x; i < found; i += blockDim.x) {
    larger += keys[i] > threshold;
    equal += keys[i] == threshold;
  }
  larger = blockSum(larger, sums, 0);
  equal = blockSum(equal, sums, 1);
  if (threadIdx.x == 0) {
    s.counts[3 * row * s.chunks + blockIdx.x] = larger;
    s.counts[(3 * row + 1) * s.chunks + blockIdx.x] = equal;
  }
}

// One warp a row and kind: exclusive prefix sums over the chunks, in place.
__device__ inline void streamOffsets(const Stream& s) {
  int* counts = s.counts + (3ll * blockIdx.x + threadIdx.x / 32) * s.chunks;
  const int lane = threadIdx.x & 31;
  int carry = 0;
  for (int base = 0; base < s.chunks; base += 32) {
    const int mine = base + lane < s.chunks ? counts[base + lane] : 0;
    int upTo = mine;
#pragma unroll
    for (int step = 1; step < 32; step *= 2) {
      const int other = __shfl_up_sync(kAllLanes, upTo, step);
      if (lane >= step) upTo += other;
    }
    if (base + lane < s.chunks) counts[base + lane] = carry + upTo - mine;
    carry += __shfl_sync(kAllLanes, upTo, 31);
  }
}

// Survivors stand in the order of their columns: slots are counts of those before. The chunk's mask is built in shared memory.
template <typename T, int Threads>
__device__ void streamEmit(const Draw& d, const Outputs& o, const Stream& s) {
  __shared__ int sums[64];
  __shared__ unsigned bits[Threads * kStreamQuads / 8];
  const long long row = blockIdx.y;
  const int first = blockIdx.x * chunkColumns();
  const bool masks = o.bits != nullptr || o.bytes != nullptr || o.floats != nullptr;
  const int found = drawsNothing(d, s, row) ? 0 : survivors(s, row)[blockIdx.x];
  if (found == 0 && !masks) return;
  const int words = chunkColumns() / 32;
  if (masks) {
    for (int i = threadIdx.x; i < words; i += blockDim.x) bits[i] = 0;
    __syncthreads();
  }

  const unsigned threshold = s.prefix[row];
  const int wanted = d.k == 0 ? 0 : s.wanted[row];
  const long long at = chunkStart(s, row);
  int largerBefore = s.counts[3 * row * s.chunks + blockIdx.x];
  int equalBefore = s.counts[(3 * row + 1) * s.chunks + blockIdx.x];
  for (int base = 0, parity = 0; base < found; base += blockDim.x) {
    const int i = base + threadIdx.x;
    const unsigned key = i < found ? s.keys[at + i] : 0u;  // 0: no key's
    const int larger = key > threshold, equal = i < found && key == threshold;
    const int both = larger | equal << 16;
    const int before = blockBefore(both, sums, parity ^= 1);
    const int all = blockSum(both, sums, parity ^= 1);
    const int rank = equalBefore + (before >> 16);
    if (larger || (equal && rank < wanted)) {
      const int place = s.places[at + i];
      const int slot = largerBefore + (before & 0xffff) + min(rank, wanted);
      if (o.indices != nullptr) writeIndex(o, row, slot, first + place);
      if (o.keys != nullptr) o.keys[row * o.keyPitch + slot] = singleKey<T>(d, row, first + place);
      if (masks) atomicOr(&bits[place / 32], 1u << place % 32);
    }
    largerBefore += all & 0xffff;
    equalBefore += all >> 16;
  }
  if (!masks) return;
  __syncthreads();
  if (o.bits != nullptr) {
    for (int i = threadIdx.x; i < words && first + 32 * i < d.n; i += blockDim.x) o.bits[row * o.bitPitch + first / 32 + i] = bits[i];
  }
  for (int quad = threadIdx.x; quad < 8 * words && first + 4 * quad < d.n; quad += blockDim.x) {
    writeMasks(o, row, first + 4 * quad, d.n, quadBits(reinterpret_cast<const unsigned char*>(bits), quad));
  }
}

}  // namespace kofn

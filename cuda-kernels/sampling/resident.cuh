// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "emit.cuh"
#include "search.cuh"

// Rows whose keys fit registers. A team of lanes holds a row: some lanes of a warp (draw_group.cuh) or a block (draw_block.cuh).
//
//   quad q of lane l   columns 4 (q lanes + l) .. + 3     a lane's four columns share one Philox evaluation, and neighbouring lanes
//                                                         read neighbouring 16 bytes
//
// A row is read once, 4 bytes an element, and 4 k bytes are written. Instructions an element, at 32 keys a lane: the key, about 57; its
// share in the row's mean and spread 2; two for every guess that is counted, about five of them; two to turn the threshold into a bit
// mask; four to write. What does not grow with the number of keys is shared by a lane's 32.
//
// A team has: lane, lanes(); sum() over the team; anyLane() over the lanes that run together, anyRow() likewise of a condition on which
// a row's lanes agree; before(), the sum over the lanes before this one; bytes, shared memory for a row's bits, and sync() for it.
namespace kofn {

// Zero, or NaN if one of the first `count` values is infinite or NaN.
__device__ __forceinline__ float spoilt(const float (&x)[4], int count) {
  float s = x[0] - x[0];
  if (count > 1) s += x[1] - x[1];
  if (count > 2) s += x[2] - x[2];
  return s;
}

// All keys of this lane by makeQuad(quad, logits to keys). Returns the sum over whole quads, in which infinities and NaN show: those of
// a last quad that is not whole are added as logits.
template <typename T, int Keys, typename MakeQuad>
__device__ __forceinline__ float makeKeys(const Draw& d, long long row, int lane, int lanes, float (&x)[Keys], MakeQuad makeQuad) {
  const T* logits = static_cast<const T*>(d.logits) + row * d.pitch;
  const int left = d.n - 4 * lane;                       // columns from this lane's first quad on
  const int leftAligned = isAligned(logits) ? left : 0;  // of them, those that may be loaded four at once
  logits += 4 * lane;
  float sum = 0;
#pragma unroll
  for (int q = 0; q < Keys / 4; ++q) {
    const int at = 4 * q * lanes;
    if (left > at) {
      float v[4];
      loadQuad(logits + at, leftAligned >= at + 4, left - at, v);
      if (left < at + 4) sum += spoilt(v, left - at);
      makeQuad(static_cast<unsigned>(q * lanes + lane), v);
      if (left >= at + 4) sum += (v[0] + v[1]) + (v[2] + v[3]);
#pragma unroll
      for (int j = 0; j < 4; ++j) x[4 * q + j] = v[j];
    } else {
#pragma unroll
      for (int j = 0; j < 4; ++j) x[4 * q + j] = -INFINITY;
    }
  }
  return sum;
}

template <typename T, int Keys>
__device__ __forceinline__ float makeKeys(const Draw& d, long long row, int lane, int lanes, float (&x)[Keys]) {
  const unsigned r = static_cast<unsigned>(row), step = stepOf(d);
  if (d.beta == 0.0f) return makeKeys<T>(d, row, lane, lanes, x, [](unsigned, float (&)[4]) {});
  if (d.fast) return makeKeys<T>(d, row, lane, lanes, x, [&](unsigned quad, float (&v)[4]) { fastKeys(d, step, r, quad, v); });
  return makeKeys<T>(d, row, lane, lanes, x, [&](unsigned quad, float (&v)[4]) { noiseKeys(d, step, r, quad, v); });
}

// Where the search starts, from the keys' mean and spread; the latter from the first key of each quad. A poor start costs guesses only.
template <int Keys, typename Team>
__device__ __forceinline__ void start(const Draw& d, Team& team, const float (&x)[Keys], float sum, int summed, Search& s) {
  const float perKey = reciprocal(static_cast<float>(summed));
  const float mean = sum * perKey;
  float squares = 0;
#pragma unroll
  for (int i = 0; i < Keys; i += 4) {
    const float away = x[i] - mean;
    if (isFinite(x[i])) squares = fmaf(away, away, squares);
  }
  float sigma;
  asm("sqrt.approx.ftz.f32 %0, %1;" : "=f"(sigma) : "f"(4.0f * team.sum(squares) * perKey));
  const float at = fmaf(d.startZ, sigma, mean);
  s.at = isFinite(at) ? at : 0.0f;
  s.slope = d.startSlope * sigma;
  s.slack = d.startSlack * sigma;
}

// Rows with infinities or NaN: what can be drawn is counted, and the sum is taken over the finite keys. Returns whether a row is bad.
template <int Keys, typename Team>
__device__ __forceinline__ bool inspect(Team& team, const float (&x)[Keys], int k, float& sum, Search& s) {
  int nan = 0;
  float finite = 0;
#pragma unroll
  for (int i = 0; i < Keys; ++i) {
    nan |= x[i] != x[i];
    if (isFinite(x[i])) finite += x[i];
  }
  s.countLo = team.sum(countReach(x, kLowest));
  sum = team.sum(finite);
  return team.sum(nan) != 0 || s.countLo < k;
}

template <int Keys, typename Team>
__device__ __forceinline__ void search(Team& team, const float (&x)[Keys], int k, bool searching, Search& s) {
  while (team.anyRow(searching)) {
    const int count = team.sum(countReach(x, s.at));
    if (searching) searching = s.next(count, k);
  }
}

// Replaces a threshold that approximate keys gave by one that gives the exact keys' set; most rows need nothing.
//
// Let t be the threshold, a = kFastGumbelError beta, and w at least 2 a and some roundings at the size of t. Rounding is monotone, so of
// two columns whose approximate keys lie on different sides of t and at least w apart the exact keys lie the same way round: columns
// from t + w up are drawn, columns below t - w are not. If there are none between, t decides. Else those between get their exact keys,
// the others +-infinity, and the search starts again at t.
template <typename T, int Keys, typename Team>
__device__ __forceinline__ void decideExactly(const Draw& d, Team& team, long long row, float (&x)[Keys], bool searched, Search& s) {
  const float t = s.lo;
  const float w = fmaf(fabsf(t), 0x1p-21f, d.beta * kFastKeyWidth);
  float nearest = INFINITY;
#pragma unroll
  for (int i = 0; i < Keys; ++i) nearest = fminf(nearest, fabsf(x[i] - t));
  const bool huge = !(fabsf(t) < 1e37f);  // t - w and t + w need not be numbers: all are between
  const bool open = searched && (nearest <= w || huge);
  if (!team.anyLane(open)) return;
  const bool undecided = team.sum(static_cast<int>(open)) != 0;
  const unsigned reach = maskReach(x, huge ? kLowest : t - w);
  const unsigned sure = huge ? 0u : maskReach(x, t + w);
  if (undecided) {
#pragma unroll
    for (int q = 0; q < Keys / 4; ++q) {
      const unsigned between = (reach & ~sure) >> 4 * q & 15u;
      float exact[4] = {};
      if (between != 0) exactQuad<T>(d, row, q * team.lanes() + team.lane, exact);
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const int i = 4 * q + j;
        x[i] = between >> j & 1 ? exact[j] : sure >> i & 1 ? INFINITY : -INFINITY;
      }
    }
  }
  Search e;
  e.countLo = team.sum(__popc(reach));
  e.countHi = team.sum(__popc(sure));
  e.hi = INFINITY;
  e.at = t;
  e.slope = w;
  e.slack = w;
  if (e.countHi == d.k) {
    e.lo = INFINITY;
    e.countLo = d.k;
  }
  search(team, x, d.k, undecided && e.countLo != d.k, e);
  if (undecided) s = e;
}

// The row's bits, by words.
template <int Q, typename Team>
__device__ __forceinline__ unsigned rowWord(Team& team, unsigned mask) {
  writeRowBits<Q>(team.bytes, mask, team.lane, team.lanes());
  team.sync();
  return 8 * team.lane < Q * team.lanes() ? reinterpret_cast<const unsigned*>(team.bytes)[team.lane] : 0u;
}

// Of the keys that equal the threshold only the first by column are in.
template <int Q, typename Team>
__device__ __forceinline__ unsigned dropLateTies(Team& team, unsigned word, unsigned tied, int wanted) {
  team.sync();
  const unsigned tiedWord = rowWord<Q>(team, tied);
  const unsigned kept = lowestBits(tiedWord, wanted - team.before(__popc(tiedWord)));
  word = (word & ~tiedWord) | kept;
  if (8 * team.lane < Q * team.lanes()) reinterpret_cast<unsigned*>(team.bytes)[team.lane] = word;
  team.sync();
  return word;
}

template <typename T, int Q, typename Team>
__device__ __forceinline__ void drawResident(const Draw& d, const Outputs& o, long long row, bool live, Team team) {
  float x[4 * Q];
  float sum = team.sum(makeKeys<T>(d, row, team.lane, team.lanes(), x));

  Search s;
  s.countLo = d.n;
  bool bad = false;
  if (team.anyRow(!isFinite(sum))) {
    bad = inspect(team, x, d.k, sum, s);
    if (bad && live && team.lane == 0) reportBadRow(o, row);
  }
  const bool none = bad || d.k == 0;
  start(d, team, x, sum, min(s.countLo, d.n & ~3), s);
  const bool searched = !none && s.countLo != d.k;
  search(team, x, d.k, searched, s);
  if (d.fast) decideExactly<T>(d, team, row, x, searched, s);

  unsigned word = rowWord<Q>(team, none ? 0u : maskReach(x, s.lo));
  const bool tied = !none && s.countLo != d.k;
  if (team.anyRow(tied)) {
    word = dropLateTies<Q>(team, word, tied ? maskReach(x, s.lo) & ~maskReach(x, s.hi) : 0u, d.k - s.countHi);
  }
  const int slot = team.before(__popc(word));
  if (live) emit<T, Q>(d, o, row, word, slot, team.bytes, team.lane, team.lanes());
}

}  // namespace kofn

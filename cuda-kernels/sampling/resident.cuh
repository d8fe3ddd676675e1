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
// A team has: lane, lanes; sum() over the team; anyLane() over the lanes that run together, anyRow() likewise of a condition on which a
// row's lanes agree; slots(), where in its row each quad's chosen keys go.
namespace kofn {

// All keys of this lane; returns their sum, in which infinities and NaN show.
template <typename T, int Keys>
__device__ __forceinline__ float makeKeys(const Draw& d, long long row, int lane, int lanes, float (&x)[Keys]) {
  const T* logits = static_cast<const T*>(d.logits) + row * d.pitch;
  float sum = 0;
#pragma unroll
  for (int q = 0; q < Keys / 4; ++q) {
    const int quad = q * lanes + lane;
    const int left = d.n - 4 * quad;
    float v[4] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
    if (left > 0) {
      loadQuad(logits, 4 * quad, d.n, v);
      noiseKeys(d, static_cast<unsigned>(row), static_cast<unsigned>(quad), v);
      if (left >= 4) {
        sum += (v[0] + v[1]) + (v[2] + v[3]);
      } else {
        sum += v[0] + (left > 1 ? v[1] : 0.0f) + (left > 2 ? v[2] : 0.0f);
      }
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) x[4 * q + j] = v[j];
  }
  return sum;
}

// Where the search starts, from the keys' mean and spread; the latter from the first key of each quad. A poor start costs guesses only.
template <int Keys, typename Team>
__device__ __forceinline__ void start(const Draw& d, Team& team, const float (&x)[Keys], float sum, Search& s) {
  const float perKey = reciprocal(static_cast<float>(s.countLo));
  const float mean = sum * perKey;
  float squares = 0;
#pragma unroll
  for (int i = 0; i < Keys; i += 4) {
    const float away = x[i] - mean;
    if (isFinite(x[i])) squares = fmaf(away, away, squares);
  }
  float sigma;
  asm("sqrt.approx.ftz.f32 %0, %1;" : "=f"(sigma) : "f"(4.0f * team.sum(squares) * perKey));
  s.at = fmaf(d.startZ, sigma, mean);
  s.slope = d.startSlope * sigma;
  s.slack = d.startSlack * sigma;
}

// Rows with infinities or NaN: what can be drawn is counted, and the sum is taken over the finite keys. Returns whether a row is bad.
template <int Keys, typename Team>
__device__ __forceinline__ bool inspect(const Draw& d, Team& team, const float (&x)[Keys], float& sum, Search& s) {
  int nan = 0;
  float finite = 0;
#pragma unroll
  for (int i = 0; i < Keys; ++i) {
    nan |= x[i] != x[i];
    if (isFinite(x[i])) finite += x[i];
  }
  s.countLo = team.sum(countReach(x, kLowest));
  sum = team.sum(finite);
  return team.sum(nan) != 0 || s.countLo < d.k;
}

template <int Keys, typename Team>
__device__ __forceinline__ void search(const Draw& d, Team& team, const float (&x)[Keys], bool searching, Search& s) {
  while (team.anyRow(searching)) {
    const int count = team.sum(countReach(x, s.at));
    if (searching) searching = s.next(count, d.k);
  }
}

// Of the keys that equal the threshold only the first by column are in.
template <int Keys, typename Team>
__device__ __forceinline__ unsigned dropLateTies(const Draw& d, Team& team, const float (&x)[Keys], const Search& s, unsigned chosen) {
  const unsigned tied = chosen & ~maskReach(x, s.hi);
  int before[Keys / 4];
  team.slots(tied, before);
#pragma unroll
  for (int q = 0; q < Keys / 4; ++q) chosen &= ~(lateTies(tied >> 4 * q & 15u, before[q], d.k - s.countHi) << 4 * q);
  return chosen;
}

template <typename T, int Q, typename Team>
__device__ __forceinline__ void drawResident(const Draw& d, const Outputs& o, long long row, bool live, Team team) {
  float x[4 * Q];
  float sum = team.sum(makeKeys<T>(d, row, team.lane, team.lanes(), x));

  Search s;
  s.countLo = d.n;
  bool bad = false;
  if (team.anyRow(!isFinite(sum))) {
    bad = inspect(d, team, x, sum, s);
    if (bad && live && team.lane == 0) reportBadRow(o, row);
  }
  const bool none = bad || d.k == 0;
  start(d, team, x, sum, s);
  search(d, team, x, !none && s.countLo != d.k, s);

  unsigned chosen = none ? 0u : maskReach(x, s.lo);
  const bool tied = !none && s.countLo != d.k;
  if (team.anyRow(tied)) {
    const unsigned fewer = dropLateTies(d, team, x, s, chosen);
    if (tied) chosen = fewer;
  }
  int slot[Q];
  team.slots(chosen, slot);
  emit<T>(d, o, row, live, chosen, slot, team);
}

}  // namespace kofn

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "block.cuh"
#include "sort_winners.cuh"

// The relaxed sample, the sum of k successive softmaxes of key / tau without the winners before, and its gradient: one block a row.
//
// With y = key / tau, winners j = 1..k in removal order and everything else a loser:
//   L_{k+1} = LSE(losers)               L_j = logaddexp(y_j, L_{j+1})
//   S_m = S_{m-1} exp(L_m - L_{m-1}) + 1
//   soft_i = exp(y_i - L_m) S_m                                       m = min(rank_i, k); a row sums to k
//   c_{k+1} = <softmax of losers, v>    c_j = c_{j+1} exp(L_{j+1} - L_j) + v_j exp(y_j - L_j)
//   A_m = A_{m-1} exp(L_m - L_{m-1}) + c_m
//   gradient_i = exp(y_i - L_m) (v_i S_m - A_m) / tau
// All exponents are <= 0. The recurrences over the winners are scans: log-add-exp, and composition of affine maps.
//
// Losers are told from winners without a mask: a loser's (key, column) lies after that of the last winner in the draw's total order.
// Work: two evaluations of the noise an element, O(k) doubles a row in the workspace; traffic 4 bytes read twice (the second time from
// L2) and 4 written an element. Sums run over fixed trees, so results repeat bit for bit; L is double, because y reaches 1e6.
namespace kofn {

struct Relax {
  const unsigned long long* order;  // [rows, orderPitch]: composites in removal order
  const unsigned long long* sorted; // [rows, orderPitch]: composites ascending, for the last winner
  int orderPitch;
  float tau;
  double* scratch;                  // [rows, 3, k]: L, S, A
  const float* upstream;            // backward only
  long long upstreamPitch;
  float* out;                       // soft, or the gradient
  long long outPitch;
  unsigned long long* badRow;       // receives the lowest row with a NaN or too few drawable entries
};

__device__ __forceinline__ double shuffleUp(double x, int by) { return __shfl_up_sync(kAllLanes, x, by); }

struct LogAddExp {
  struct Value {
    double x;
  };
  static __device__ __forceinline__ Value identity() { return {-INFINITY}; }
  static __device__ __forceinline__ Value then(Value a, Value b) {
    const double hi = fmax(a.x, b.x), lo = fmin(a.x, b.x);
    return {lo == -INFINITY ? hi : hi + log1p(exp(lo - hi))};
  }
  static __device__ __forceinline__ Value up(Value a, int by) { return {shuffleUp(a.x, by)}; }
};

// x -> scale * x + shift
struct Affine {
  struct Value {
    double scale, shift;
  };
  static __device__ __forceinline__ Value identity() { return {1.0, 0.0}; }
  static __device__ __forceinline__ Value then(Value a, Value b) { return {b.scale * a.scale, b.scale * a.shift + b.shift}; }
  static __device__ __forceinline__ Value up(Value a, int by) { return {shuffleUp(a.scale, by), shuffleUp(a.shift, by)}; }
};

// What the threads before this one compose to. blockDim.x is a multiple of 32.
template <typename Op>
__device__ typename Op::Value blockExclusive(typename Op::Value x, typename Op::Value* warps) {
  const int lane = threadIdx.x & 31;
  typename Op::Value inclusive = x;
  for (int step = 1; step < 32; step *= 2) {
    const typename Op::Value other = Op::up(inclusive, step);
    if (lane >= step) inclusive = Op::then(other, inclusive);
  }
  __syncthreads();
  if (lane == 31) warps[threadIdx.x / 32] = inclusive;
  __syncthreads();
  typename Op::Value before = Op::identity();
  for (int w = 0; w < static_cast<int>(threadIdx.x / 32); ++w) before = Op::then(before, warps[w]);
  const typename Op::Value left = Op::up(inclusive, 1);
  return lane == 0 ? before : Op::then(before, left);
}

__device__ inline double blockSumDouble(double x, double* warps) {
  for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(kAllLanes, x, step);
  __syncthreads();
  if ((threadIdx.x & 31) == 0) warps[threadIdx.x / 32] = x;
  __syncthreads();
  double total = 0;
  for (int w = 0; w < static_cast<int>(blockDim.x / 32); ++w) total += warps[w];
  return total;
}

// exp of a difference that is <= 0 (or -infinity), to about 3 units in the last place of a float plus the argument's rounding.
__device__ __forceinline__ float expDifference(double x) { return expf(static_cast<float>(x)); }

__device__ __forceinline__ float keyOf(unsigned long long c) {
  return unordered(static_cast<int>(~static_cast<unsigned>(c >> 32) ^ 0x80000000u));
}

// y = key / tau, counted from the last winner's key so that differences lose nothing to rounding. Infinite keys stand for the limit in
// which all of them grow alike: they lie so far above the finite ones that those vanish beside them.
struct Centre {
  static constexpr double kInfinite = 2000;  // exp(-2000) is 0 in double

  double perTau, base, infinite;
  bool lastInfinite;

  __device__ Centre(const unsigned long long* sorted, int k, float tau) : perTau(1.0 / static_cast<double>(tau)) {
    const float last = keyOf(sorted[k - 1]);  // k is at least 1
    lastInfinite = last == INFINITY;
    base = lastInfinite ? 0.0 : static_cast<double>(last);
    infinite = kInfinite;
    if (!lastInfinite && keyOf(sorted[0]) == INFINITY) {
      int low = 0, high = k - 1;  // sorted[low] is infinite, sorted[high] is not
      while (high - low > 1) {
        const int mid = (low + high) / 2;
        (keyOf(sorted[mid]) == INFINITY ? low : high) = mid;
      }
      infinite += (static_cast<double>(keyOf(sorted[high])) - base) * perTau;
    }
  }

  __device__ __forceinline__ double y(float key) const {
    if (key == INFINITY) return infinite;
    return lastInfinite ? -INFINITY : (static_cast<double>(key) - base) * perTau;
  }

  __device__ __forceinline__ double last() const { return lastInfinite ? infinite : 0.0; }
};

template <typename T, bool Backward>
__device__ void relaxRow(const Draw& d, const Relax& r) {
  __shared__ Affine::Value warps[32];
  __shared__ double sums[32];
  const long long local = blockIdx.x;
  const long long row = local;
  float* out = r.out + row * r.outPitch;
  if (d.k == 0) {
    bool nan = false;
    for (int i = threadIdx.x; i < d.n; i += blockDim.x) {
      const float logit = widen(static_cast<const T*>(d.logits)[row * d.pitch + i]);
      nan |= logit != logit;
      out[i] = 0.0f;
    }
    if (nan) atomicMin(r.badRow, static_cast<unsigned long long>(row));
    return;
  }
  const unsigned long long* order = r.order + local * r.orderPitch;
  const unsigned long long* sorted = r.sorted + local * r.orderPitch;
  const unsigned long long last = sorted[d.k - 1];
  const Centre centre(sorted, d.k, r.tau);
  double* L = r.scratch + local * 3 * d.k;
  double* S = L + d.k;
  double* A = S + d.k;
  const float* v = Backward ? r.upstream + row * r.upstreamPitch : nullptr;
  const int quads = (d.n + 3) / 4;

  // Losers, relative to the last winner's y, which none of them exceeds.
  double mass = 0, weighted = 0;
  int drawable = 0;
  bool nan = false;
  for (int quad = threadIdx.x; quad < quads; quad += blockDim.x) {
    int key[4];
    nan |= orderedKeys<T>(d, row, quad, key);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      drawable += key[j] > kMinusInfinity;
      if (key[j] > kMinusInfinity && composite(key[j], 4 * quad + j) > last) {
        const float e = expDifference(centre.y(unordered(key[j])) - centre.last());
        mass += e;
        if constexpr (Backward) weighted += static_cast<double>(e) * v[4 * quad + j];
      }
    }
  }
  if (__syncthreads_or(nan) || blockSumDouble(drawable, sums) < d.k) {
    if (threadIdx.x == 0) atomicMin(r.badRow, static_cast<unsigned long long>(row));
    return;
  }
  mass = blockSumDouble(mass, sums);
  if constexpr (Backward) weighted = blockSumDouble(weighted, sums);
  const double losers = mass > 0 ? centre.last() + log(mass) : -INFINITY;

  // Each thread takes `each` neighbouring winners.
  const int each = (d.k + blockDim.x - 1) / blockDim.x;
  const int begin = min(static_cast<int>(threadIdx.x) * each, d.k), end = min(begin + each, d.k);
  auto yOf = [&](int j) { return centre.y(keyOf(order[j])); };

  // L, from the last winner to the first.
  LogAddExp::Value suffix = LogAddExp::identity();
  for (int p = begin; p < end; ++p) suffix = LogAddExp::then(suffix, {yOf(d.k - 1 - p)});
  double at = LogAddExp::then({losers}, blockExclusive<LogAddExp>(suffix, reinterpret_cast<LogAddExp::Value*>(warps))).x;
  for (int p = begin; p < end; ++p) {
    const int j = d.k - 1 - p;
    at = LogAddExp::then({yOf(j)}, {at}).x;
    L[j] = at;
  }
  __syncthreads();

  if constexpr (Backward) {
    // c, from the last winner to the first, into A.
    auto step = [&](int j) {
      const double next = j + 1 < d.k ? L[j + 1] : losers;
      return Affine::Value{exp(next - L[j]), v[compositeColumn(order[j])] * exp(yOf(j) - L[j])};
    };
    Affine::Value map = Affine::identity();
    for (int p = begin; p < end; ++p) map = Affine::then(map, step(d.k - 1 - p));
    const Affine::Value before = blockExclusive<Affine>(map, warps);
    double c = before.scale * (mass > 0 ? weighted / mass : 0.0) + before.shift;
    for (int p = begin; p < end; ++p) {
      const int j = d.k - 1 - p;
      const Affine::Value m = step(j);
      c = m.scale * c + m.shift;
      A[j] = c;
    }
    __syncthreads();
  }

  // S, and A in place, from the first winner to the last: sums of 1 and of c that decay by exp(L_m - L_{m-1}).
  auto decay = [&](int j) { return j == 0 ? 0.0 : exp(L[j] - L[j - 1]); };
  for (int pass = 0; pass < (Backward ? 2 : 1); ++pass) {
    double* sum = pass == 0 ? S : A;
    auto term = [&](int j) { return pass == 0 ? 1.0 : A[j]; };
    Affine::Value map = Affine::identity();
    for (int j = begin; j < end; ++j) map = Affine::then(map, {decay(j), term(j)});
    double x = blockExclusive<Affine>(map, warps).shift;
    for (int j = begin; j < end; ++j) {
      x = decay(j) * x + term(j);
      sum[j] = x;
    }
  }
  __syncthreads();

  const double lLast = L[d.k - 1], sLast = S[d.k - 1];
  const double aLast = Backward ? A[d.k - 1] : 0.0;
  for (int quad = threadIdx.x; quad < quads; quad += blockDim.x) {
    int key[4];
    orderedKeys<T>(d, row, quad, key);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int column = 4 * quad + j;
      if (column >= d.n || composite(key[j], column) <= last) continue;
      double result = 0;
      if (key[j] > kMinusInfinity) {
        const double e = expDifference(centre.y(unordered(key[j])) - lLast);
        if constexpr (Backward) {
          result = e * (v[column] * sLast - aLast) * centre.perTau;
        } else {
          result = e * sLast;
        }
      }
      out[column] = static_cast<float>(result);
    }
  }
  // out may be the upstream itself: a column's v is read by the thread that overwrites it, and winners' only now.
  for (int j = threadIdx.x; j < d.k; j += blockDim.x) {
    const int column = compositeColumn(order[j]);
    const double e = exp(yOf(j) - L[j]);
    const double result = Backward ? e * (v[column] * S[j] - A[j]) * centre.perTau : e * S[j];
    out[column] = static_cast<float>(result);
  }
}

// Entropy of each row's softmax and its gradient: H = log Z - sum p y, dH/dy_i = -p_i (log p_i + H). One block a row.
struct Entropy {
  float* entropy;    // [rows, 1] or null
  long long entropyPitch;
  float* gradient;   // [rows, n] to which weight * dH is added, or null
  long long gradientPitch;
  float weight;
  unsigned long long* badRow;  // receives the lowest row with a NaN, or with nothing above -infinity
};

template <typename T>
__device__ void entropyRow(const Draw& d, const Entropy& e) {
  __shared__ double sums[32];
  __shared__ int tops[64];
  const long long row = blockIdx.x;
  const T* logits = static_cast<const T*>(d.logits) + row * d.pitch;
  int top = kMinusInfinity;
  bool nan = false;
  for (int i = threadIdx.x; i < d.n; i += blockDim.x) {
    const float logit = widen(logits[i]);
    nan |= logit != logit;
    top = max(top, ordered(logit));
  }
  top = blockMax(top, tops, 0);
  if (__syncthreads_or(nan) || (d.n > 0 && top == kMinusInfinity)) {
    if (threadIdx.x == 0) atomicMin(e.badRow, static_cast<unsigned long long>(row));
    return;
  }
  // Equal ones first: infinite peaks share the softmax, and infinity - infinity is never formed.
  const float peak = unordered(top);
  auto below = [&](int i) {
    const float logit = widen(logits[i]);
    return logit == peak ? 0.0 : static_cast<double>(logit) - static_cast<double>(peak);
  };
  double mass = 0, moment = 0;
  for (int i = threadIdx.x; i < d.n; i += blockDim.x) {
    const double y = below(i);
    if (y == -INFINITY) continue;
    const double p = exp(y);
    mass += p;
    moment += p * y;
  }
  mass = blockSumDouble(mass, sums);
  moment = blockSumDouble(moment, sums);
  const double logMass = log(mass);
  const double entropy = d.n == 0 ? 0.0 : logMass - moment / mass;
  if (e.entropy != nullptr && threadIdx.x == 0) e.entropy[row * e.entropyPitch] = static_cast<float>(entropy);
  if (e.gradient == nullptr) return;
  for (int i = threadIdx.x; i < d.n; i += blockDim.x) {
    const double logP = below(i) - logMass;
    if (logP == -INFINITY) continue;
    float* g = e.gradient + row * e.gradientPitch + i;
    *g += static_cast<float>(-static_cast<double>(e.weight) * exp(logP) * (logP + entropy));
  }
}

}  // namespace kofn

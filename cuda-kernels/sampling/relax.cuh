// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sort_winners.cuh"

// The relaxed sample, the sum of k successive softmaxes of key / tau without the winners before, and its gradient: one block a row.
//
// With y = key / tau, winners j = 1..k in removal order and everything else a loser:
//   L_{k+1} = LSE(losers)      L_j = logaddexp(y_j, L_{j+1})        H_m = LSE_{j <= m}(-L_j)
//   soft_i = exp(y_i + H_min(rank_i, k))                             a row sums to k
//   c_{k+1} = <softmax of losers, v>    c_j = c_{j+1} exp(L_{j+1} - L_j) + v_j exp(y_j - L_j)
//   A_m = A_{m-1} exp(L_m - L_{m-1}) + c_m
//   gradient_i = (v_i soft_i - exp(y_i - L_m) A_m) / tau,            m = min(rank_i, k)
// All exponents of differences are <= 0. The recurrences over the winners are scans: log-add-exp, and composition of affine maps.
//
// Losers are told from winners without a mask: a loser's (key, column) lies after that of the last winner in the draw's total order.
// Work: two evaluations of the noise an element, O(k) doubles a row in the workspace; traffic 4 bytes read twice (the second time from
// L2) and 4 written an element. Sums run over fixed trees, so results repeat bit for bit; L and H are doubles, because y reaches 1e6.
namespace kofn {

struct Relax {
  const unsigned long long* order;  // [rows, orderPitch]: composites in removal order
  const unsigned long long* sorted; // [rows, orderPitch]: composites ascending, for the last winner
  int orderPitch;
  float tau;
  double* scratch;                  // [rows, 3, k]: L, H, A
  const float* upstream;            // backward only
  long long upstreamPitch;
  float* out;                       // soft, or the gradient
  long long outPitch;
  long long firstRow;               // the slice of rows in this workspace
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

__device__ __forceinline__ double keyOf(unsigned long long c) {
  return unordered(static_cast<int>(~static_cast<unsigned>(c >> 32) ^ 0x80000000u));
}

template <typename T, bool Backward>
__device__ void relaxRow(const Draw& d, const Relax& r) {
  __shared__ Affine::Value warps[32];
  __shared__ double sums[32];
  const long long local = blockIdx.x;
  const long long row = r.firstRow + local;
  const unsigned long long* order = r.order + local * r.orderPitch;
  const unsigned long long last = d.k == 0 ? 0ull : r.sorted[local * r.orderPitch + d.k - 1];
  double* L = r.scratch + local * 3 * d.k;
  double* H = L + d.k;
  double* A = H + d.k;
  const float* v = Backward ? r.upstream + row * r.upstreamPitch : nullptr;
  float* out = r.out + row * r.outPitch;
  const double perTau = 1.0 / static_cast<double>(r.tau);
  const double shift = d.k == 0 ? 0.0 : keyOf(last) * perTau;
  const int quads = (d.n + 3) / 4;

  if (d.k == 0) {
    for (int i = threadIdx.x; i < d.n; i += blockDim.x) out[i] = 0.0f;
    return;
  }

  // Losers, relative to the last winner's y, which none of them exceeds.
  double mass = 0, weighted = 0;
  for (int quad = threadIdx.x; quad < quads; quad += blockDim.x) {
    int key[4];
    orderedKeys<T>(d, row, quad, key);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (key[j] > kMinusInfinity && composite(key[j], 4 * quad + j) > last) {
        const float e = expDifference(static_cast<double>(unordered(key[j])) * perTau - shift);
        mass += e;
        if constexpr (Backward) weighted += static_cast<double>(e) * v[4 * quad + j];
      }
    }
  }
  mass = blockSumDouble(mass, sums);
  if constexpr (Backward) weighted = blockSumDouble(weighted, sums);
  const double losers = mass > 0 ? shift + log(mass) : -INFINITY;

  // Each thread takes `each` neighbouring winners.
  const int each = (d.k + blockDim.x - 1) / blockDim.x;
  const int begin = min(static_cast<int>(threadIdx.x) * each, d.k), end = min(begin + each, d.k);

  // L, from the last winner to the first.
  LogAddExp::Value suffix = LogAddExp::identity();
  for (int p = begin; p < end; ++p) suffix = LogAddExp::then(suffix, {keyOf(order[d.k - 1 - p]) * perTau});
  double at = LogAddExp::then({losers}, blockExclusive<LogAddExp>(suffix, reinterpret_cast<LogAddExp::Value*>(warps))).x;
  for (int p = begin; p < end; ++p) {
    const int j = d.k - 1 - p;
    at = LogAddExp::then({keyOf(order[j]) * perTau}, {at}).x;
    L[j] = at;
  }
  __syncthreads();

  // H, from the first winner to the last.
  LogAddExp::Value prefix = LogAddExp::identity();
  for (int j = begin; j < end; ++j) prefix = LogAddExp::then(prefix, {-L[j]});
  double h = blockExclusive<LogAddExp>(prefix, reinterpret_cast<LogAddExp::Value*>(warps)).x;
  for (int j = begin; j < end; ++j) {
    h = LogAddExp::then({h}, {-L[j]}).x;
    H[j] = h;
  }
  __syncthreads();

  if constexpr (Backward) {
    // c, from the last winner to the first, into A.
    const double cLosers = mass > 0 ? weighted / mass : 0.0;
    Affine::Value map = Affine::identity();
    for (int p = begin; p < end; ++p) {
      const int j = d.k - 1 - p;
      const double next = j + 1 < d.k ? L[j + 1] : losers;
      map = Affine::then(map, {exp(next - L[j]), v[compositeColumn(order[j])] * exp(keyOf(order[j]) * perTau - L[j])});
    }
    const Affine::Value before = blockExclusive<Affine>(map, warps);
    double c = before.scale * cLosers + before.shift;
    for (int p = begin; p < end; ++p) {
      const int j = d.k - 1 - p;
      const double next = j + 1 < d.k ? L[j + 1] : losers;
      c = exp(next - L[j]) * c + v[compositeColumn(order[j])] * exp(keyOf(order[j]) * perTau - L[j]);
      A[j] = c;
    }
    __syncthreads();
    // A, from the first winner to the last, in place.
    map = Affine::identity();
    for (int j = begin; j < end; ++j) map = Affine::then(map, {j == 0 ? 0.0 : exp(L[j] - L[j - 1]), A[j]});
    double a = blockExclusive<Affine>(map, warps).shift;
    for (int j = begin; j < end; ++j) {
      a = (j == 0 ? 0.0 : exp(L[j] - L[j - 1])) * a + A[j];
      A[j] = a;
    }
    __syncthreads();
  }

  const double hLosers = H[d.k - 1];
  const double lLast = L[d.k - 1];
  const double aLosers = Backward ? A[d.k - 1] : 0.0;
  for (int quad = threadIdx.x; quad < quads; quad += blockDim.x) {
    int key[4];
    orderedKeys<T>(d, row, quad, key);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int column = 4 * quad + j;
      if (column >= d.n || composite(key[j], column) <= last) continue;
      float result = 0.0f;
      if (key[j] > kMinusInfinity) {
        const double y = static_cast<double>(unordered(key[j])) * perTau;
        result = expDifference(y + hLosers);
        if constexpr (Backward) {
          result = static_cast<float>(
              (static_cast<double>(v[column]) * result - expDifference(y - lLast) * aLosers) * perTau);
        }
      }
      out[column] = result;
    }
  }
  // out may be the upstream itself: a winner's v is read by the thread that overwrites it.
  for (int j = threadIdx.x; j < d.k; j += blockDim.x) {
    const int column = compositeColumn(order[j]);
    const double y = keyOf(order[j]) * perTau;
    double result = exp(y + H[j]);
    if constexpr (Backward) result = (v[column] * result - exp(y - L[j]) * A[j]) * perTau;
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
};

template <typename T>
__device__ void entropyRow(const Draw& d, const Entropy& e) {
  __shared__ double sums[32];
  __shared__ int tops[64];
  const long long row = blockIdx.x;
  const T* logits = static_cast<const T*>(d.logits) + row * d.pitch;
  int top = kMinusInfinity;
  for (int i = threadIdx.x; i < d.n; i += blockDim.x) top = max(top, ordered(widen(logits[i])));
  top = blockMax(top, tops, 0);
  const double peak = unordered(top);
  double mass = 0, moment = 0;
  for (int i = threadIdx.x; i < d.n; i += blockDim.x) {
    const double y = static_cast<double>(widen(logits[i])) - peak;
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
    const double logP = static_cast<double>(widen(logits[i])) - peak - logMass;
    if (logP == -INFINITY) continue;
    float* g = e.gradient + row * e.gradientPitch + i;
    *g += static_cast<float>(-static_cast<double>(e.weight) * exp(logP) * (logP + entropy));
  }
}

}  // namespace kofn

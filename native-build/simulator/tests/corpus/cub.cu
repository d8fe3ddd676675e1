// SPDX-License-Identifier: Apache-2.0
//
// CUB's block and warp primitives, as they come with the toolkit: code whose author did not know this simulator.
// Every kernel works on one tile a block; cub_test.cpp has the host's answers.
#include <cub/cub.cuh>
#include <cuda/functional>

namespace {

constexpr int kThreads = 128, kItems = 4, kTile = kThreads * kItems;

template <class T> __device__ void loadBlocked(const T* in, T (&items)[kItems]) {
  for (int i = 0; i < kItems; i++) items[i] = in[blockIdx.x * kTile + threadIdx.x * kItems + i];
}
template <class T> __device__ void storeBlocked(T* out, const T (&items)[kItems]) {
  for (int i = 0; i < kItems; i++) out[blockIdx.x * kTile + threadIdx.x * kItems + i] = items[i];
}

struct Less {
  template <class T> __device__ bool operator()(const T& a, const T& b) const { return a < b; }
};

struct Differ {
  __device__ bool operator()(int a, int b) const { return a != b; }
};
struct Minus {
  __device__ int operator()(int a, int b) const { return a - b; }
};

}  // namespace

extern "C" __global__ void sortPairs(const unsigned* keys, const int* values, unsigned* outKeys, int* outValues) {
  using Sort = cub::BlockRadixSort<unsigned, kThreads, kItems, int>;
  __shared__ typename Sort::TempStorage storage;
  unsigned k[kItems];
  int v[kItems];
  loadBlocked(keys, k);
  loadBlocked(values, v);
  Sort(storage).Sort(k, v);
  storeBlocked(outKeys, k);
  storeBlocked(outValues, v);
}

extern "C" __global__ void sortFloatsDescending(const float* in, float* out) {
  using Sort = cub::BlockRadixSort<float, kThreads, kItems>;
  __shared__ typename Sort::TempStorage storage;
  float k[kItems];
  loadBlocked(in, k);
  Sort(storage).SortDescendingBlockedToStriped(k);
  for (int i = 0; i < kItems; i++) out[blockIdx.x * kTile + i * kThreads + threadIdx.x] = k[i];
}

extern "C" __global__ void mergeSort(const long long* in, long long* out) {
  using Sort = cub::BlockMergeSort<long long, kThreads, kItems>;
  __shared__ typename Sort::TempStorage storage;
  long long k[kItems];
  loadBlocked(in, k);
  Sort(storage).StableSort(k, Less());
  storeBlocked(out, k);
}

extern "C" __global__ void warpMergeSort(const int* in, int* out) {
  using Sort = cub::WarpMergeSort<int, kItems, 32>;
  __shared__ typename Sort::TempStorage storage[kThreads / 32];
  int k[kItems];
  loadBlocked(in, k);
  Sort(storage[threadIdx.x / 32]).Sort(k, Less());
  storeBlocked(out, k);
}

template <cub::BlockScanAlgorithm A> __device__ void scan(const int* in, int* inclusive, int* exclusive, int* totals) {
  using Scan = cub::BlockScan<int, kThreads, A>;
  __shared__ typename Scan::TempStorage storage;
  int v[kItems], s[kItems], total;
  loadBlocked(in, v);
  Scan(storage).InclusiveSum(v, s, total);
  storeBlocked(inclusive, s);
  __syncthreads();
  Scan(storage).ExclusiveScan(v, s, 1 << 20, cuda::maximum<>());
  storeBlocked(exclusive, s);
  if (threadIdx.x == 0) totals[blockIdx.x] = total;
}
extern "C" __global__ void scanWarps(const int* in, int* inclusive, int* exclusive, int* totals) {
  scan<cub::BLOCK_SCAN_WARP_SCANS>(in, inclusive, exclusive, totals);
}
extern "C" __global__ void scanRaking(const int* in, int* inclusive, int* exclusive, int* totals) {
  scan<cub::BLOCK_SCAN_RAKING>(in, inclusive, exclusive, totals);
}
extern "C" __global__ void scanMemoize(const int* in, int* inclusive, int* exclusive, int* totals) {
  scan<cub::BLOCK_SCAN_RAKING_MEMOIZE>(in, inclusive, exclusive, totals);
}

extern "C" __global__ void warpScan(const float* in, float* out, float* aggregates) {
  using Scan = cub::WarpScan<float>;
  __shared__ typename Scan::TempStorage storage[kThreads / 32];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  float x = in[i], aggregate;
  Scan(storage[threadIdx.x / 32]).InclusiveScan(x, x, cuda::maximum<>(), aggregate);
  out[i] = x;
  if (threadIdx.x % 32 == 0) aggregates[i / 32] = aggregate;
}

template <class T, cub::BlockReduceAlgorithm A> __device__ void reduce(const T* in, T* out, int valid) {
  using Reduce = cub::BlockReduce<T, kThreads, A>;
  __shared__ typename Reduce::TempStorage storage;
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const T sum = Reduce(storage).Sum(in[i]);
  __syncthreads();
  const T partial = Reduce(storage).Reduce(in[i], cuda::maximum<>(), valid);
  if (threadIdx.x == 0) out[2 * blockIdx.x] = sum, out[2 * blockIdx.x + 1] = partial;
}
extern "C" __global__ void reduceFloatWarps(const float* in, float* out, int valid) {
  reduce<float, cub::BLOCK_REDUCE_WARP_REDUCTIONS>(in, out, valid);
}
extern "C" __global__ void reduceFloatRaking(const float* in, float* out, int valid) {
  reduce<float, cub::BLOCK_REDUCE_RAKING>(in, out, valid);
}
extern "C" __global__ void reduceDoubleCommutative(const double* in, double* out, int valid) {
  reduce<double, cub::BLOCK_REDUCE_RAKING_COMMUTATIVE_ONLY>(in, out, valid);
}
extern "C" __global__ void reduceDoubleWarps(const double* in, double* out, int valid) {
  reduce<double, cub::BLOCK_REDUCE_WARP_REDUCTIONS>(in, out, valid);
}

extern "C" __global__ void warpReduce(const int* in, const int* heads, int* sums, int* segments) {
  using Reduce = cub::WarpReduce<int>;
  __shared__ typename Reduce::TempStorage storage[kThreads / 32];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const int sum = Reduce(storage[threadIdx.x / 32]).Sum(in[i]);
  __syncwarp();
  const int segment = Reduce(storage[threadIdx.x / 32]).HeadSegmentedSum(in[i], heads[i]);
  if (threadIdx.x % 32 == 0) sums[i / 32] = sum;
  if (heads[i] || threadIdx.x % 32 == 0) segments[i] = segment;
  else segments[i] = 0;
}

extern "C" __global__ void warpReduceEight(const float* in, float* out) {  // logical warps of 8
  using Reduce = cub::WarpReduce<float, 8>;
  __shared__ typename Reduce::TempStorage storage[kThreads / 8];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const float m = Reduce(storage[threadIdx.x / 8]).Reduce(in[i], cuda::minimum<>());
  if (threadIdx.x % 8 == 0) out[i / 8] = m;
}

template <cub::BlockHistogramAlgorithm A> __device__ void histogram(const unsigned char* in, unsigned* out) {
  using Histogram = cub::BlockHistogram<unsigned char, kThreads, kItems, 256, A>;
  __shared__ typename Histogram::TempStorage storage;
  __shared__ unsigned bins[256];
  unsigned char v[kItems];
  loadBlocked(in, v);
  Histogram(storage).Histogram(v, bins);
  __syncthreads();
  for (int b = threadIdx.x; b < 256; b += kThreads) out[blockIdx.x * 256 + b] = bins[b];
}
extern "C" __global__ void histogramSort(const unsigned char* in, unsigned* out) { histogram<cub::BLOCK_HISTO_SORT>(in, out); }
extern "C" __global__ void histogramAtomic(const unsigned char* in, unsigned* out) { histogram<cub::BLOCK_HISTO_ATOMIC>(in, out); }

template <cub::BlockLoadAlgorithm L, cub::BlockStoreAlgorithm S> __device__ void loadStore(const short* in, short* out, int valid) {
  using Load = cub::BlockLoad<short, kThreads, kItems, L>;
  using Store = cub::BlockStore<short, kThreads, kItems, S>;
  __shared__ union { typename Load::TempStorage load; typename Store::TempStorage store; } storage;
  short v[kItems];
  Load(storage.load).Load(in + blockIdx.x * kTile, v, valid, short(-7));
  __syncthreads();
  for (int i = 0; i < kItems; i++) v[i] = short(v[i] + threadIdx.x);
  Store(storage.store).Store(out + blockIdx.x * kTile, v);
}
extern "C" __global__ void loadTranspose(const short* in, short* out, int valid) {
  loadStore<cub::BLOCK_LOAD_TRANSPOSE, cub::BLOCK_STORE_WARP_TRANSPOSE>(in, out, valid);
}
extern "C" __global__ void loadVectorize(const short* in, short* out, int valid) {
  loadStore<cub::BLOCK_LOAD_WARP_TRANSPOSE_TIMESLICED, cub::BLOCK_STORE_VECTORIZE>(in, out, valid);
}

extern "C" __global__ void exchange(const int* in, const int* ranks, int* out) {
  using Exchange = cub::BlockExchange<int, kThreads, kItems>;
  __shared__ typename Exchange::TempStorage storage;
  int v[kItems], r[kItems];
  loadBlocked(in, v);
  loadBlocked(ranks, r);
  Exchange(storage).ScatterToBlocked(v, v, r);
  storeBlocked(out, v);
}

extern "C" __global__ void discontinuity(const int* in, int* heads, int* differences) {
  using Discontinuity = cub::BlockDiscontinuity<int, kThreads>;
  using Difference = cub::BlockAdjacentDifference<int, kThreads>;
  __shared__ typename Discontinuity::TempStorage a;
  __shared__ typename Difference::TempStorage b;
  int v[kItems], f[kItems], d[kItems];
  loadBlocked(in, v);
  Discontinuity(a).FlagHeads(f, v, Differ());
  Difference(b).SubtractLeft(v, d, Minus());
  storeBlocked(heads, f);
  storeBlocked(differences, d);
}

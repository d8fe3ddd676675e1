// SPDX-License-Identifier: Apache-2.0
//
// What the language compiles to beyond arithmetic: calls, recursion, function pointers, virtual calls, jump tables, local
// arrays, constant and static memory, structs by value, vector accesses, atomics of every width.
#include <cstdio>

namespace {

__constant__ int table[16] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
__device__ unsigned long long counter;
__device__ int initialised[4] = {10, 20, 30, 40};

struct Big { long long a[5]; float f; char tag; };

__device__ __noinline__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
__device__ __noinline__ int twice(int x) { return 2 * x; }
__device__ __noinline__ int negate(int x) { return -x; }
__device__ __noinline__ Big enlarge(Big b, int by) {
  for (long long& x : b.a) x += by;
  b.f *= 2;
  return b;
}

struct Shape {
  __device__ virtual int area() const = 0;
};
struct Square : Shape {
  int side;
  __device__ explicit Square(int s) : side(s) {}
  __device__ int area() const override { return side * side; }
};
struct Strip : Shape {
  int length;
  __device__ explicit Strip(int l) : length(l) {}
  __device__ int area() const override { return length + 1; }
};

}  // namespace

extern "C" __global__ void recursion(const int* in, int* out) { out[threadIdx.x] = fibonacci(in[threadIdx.x] & 7); }

extern "C" __global__ void indirect(const int* in, int* out) {
  int (*f)(int) = in[threadIdx.x] & 1 ? twice : negate;
  out[threadIdx.x] = f(in[threadIdx.x]);
}

extern "C" __global__ void virtualCalls(const int* in, int* out) {
  Square square(in[threadIdx.x] & 15);
  Strip strip(in[threadIdx.x] & 15);
  const Shape* s = in[threadIdx.x] & 16 ? static_cast<const Shape*>(&square) : &strip;
  out[threadIdx.x] = s->area();
}

extern "C" __global__ void structs(Big b, const int* in, long long* out) {
  const Big c = enlarge(b, in[threadIdx.x]);
  long long sum = c.tag;
  for (long long x : c.a) sum += x;
  out[threadIdx.x] = sum + static_cast<long long>(c.f);
}

extern "C" __global__ void jumpTable(const int* in, int* out) {
  const int x = in[threadIdx.x];
  int r;
  switch (x & 7) {
    case 0: r = x + 1; break;
    case 1: r = x * 3; break;
    case 2: r = x ^ 0x55; break;
    case 3: r = x - 11; break;
    case 4: r = -x; break;
    case 5: r = x << 2; break;
    case 6: r = x >> 1; break;
    default: r = x % 10; break;
  }
  out[threadIdx.x] = r;
}

extern "C" __global__ void memories(const int* in, int* out) {
  int local[32];
  for (int k = 0; k < 32; k++) local[k] = k * table[k & 15];
  const int x = in[threadIdx.x];
  local[x & 31] += initialised[x & 3];
  atomicAdd(&counter, static_cast<unsigned long long>(x & 31));
  int sum = 0;
  for (int k = 0; k < 32; k++) sum += local[(k + x) & 31] * (k + 1);
  out[threadIdx.x] = sum;
}
extern "C" __global__ void readCounter(unsigned long long* out) { *out = counter; }

extern "C" __global__ void vectors(const float4* in, float4* out, const uchar4* bytes, ushort2* shorts, double2* doubles) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const float4 v = in[i];
  out[i] = make_float4(v.w, v.z, v.y, v.x);
  const uchar4 b = bytes[i];
  shorts[i] = make_ushort2(b.x * 256 + b.y, b.z * 256 + b.w);
  doubles[i] = make_double2(v.x, static_cast<double>(v.y) * b.x);
}

extern "C" __global__ void atomics(const int* in, int* words, float* floats, unsigned long long* longs, double* doubles) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, x = in[i];
  atomicAdd(&words[0], x);
  atomicMin(&words[1], x);
  atomicMax(&words[2], x);
  atomicAnd(&words[3], x);
  atomicOr(&words[4], x);
  atomicXor(&words[5], x);
  atomicInc(reinterpret_cast<unsigned*>(&words[6]), 99);
  atomicDec(reinterpret_cast<unsigned*>(&words[7]), 77);
  atomicExch(&words[8 + i % 4], i % 4);
  for (int seen = 0, want; ; seen = want) {
    want = atomicCAS(&words[12], seen, seen + 3);
    if (want == seen) break;
  }
  atomicAdd(floats, 0.25f);
  atomicAdd(&longs[0], static_cast<unsigned long long>(x));
  atomicMax(&longs[1], static_cast<unsigned long long>(x));
  atomicAdd(doubles, 0.5);
  __shared__ unsigned counts[8];
  if (threadIdx.x < 8) counts[threadIdx.x] = 0;
  __syncthreads();
  atomicAdd(&counts[x & 7], 1u);
  __syncthreads();
  if (threadIdx.x < 8) atomicAdd(reinterpret_cast<unsigned*>(&words[16 + threadIdx.x]), counts[threadIdx.x]);
}

extern "C" __global__ void prints(const int* in) {
  if (threadIdx.x < 2) printf("thread %d: %d %s %5.2f %llx\n", threadIdx.x, in[threadIdx.x], "text", 1.5 * in[threadIdx.x], 0x123456789abcull);
}

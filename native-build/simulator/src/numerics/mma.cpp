// SPDX-License-Identifier: Apache-2.0
//
// Lane l of a warp is in group g = l / 4 and is thread t = l % 4 of it. With P elements packed in a register, register r
// of a fragment covers
//   A (m x k): row g + 8 (r % 2), columns P (t + 4 (r / 2)) ...     (m = 8: row g, columns P (t + 4 r))
//   B (k x n): rows P (t + 4 r) ..., column g
//   C (m x n): row g + 8 (r / 2), column 2 t + r % 2
// and an f16 C packs the two columns of a row in one register.
#include "mma.hpp"

#include "convert.hpp"
#include "integer.hpp"

#include <cstring>

namespace kofn::sim::num {
namespace {

using In = const uint32_t* const*;
using Out = uint32_t* const*;

/// Eight accumulators of one row of C: GCC and Clang map it to whatever vectors the target has.
template <class T> using Row [[gnu::vector_size(8 * sizeof(T))]] = T;

template <class E> struct Element; // how many in a register, and their value in the type that is multiplied
template <> struct Element<F16> {
    static constexpr int packed = 2;
    static float get(uint32_t r, int i) { return widen(F16{static_cast<uint16_t>(r >> (16 * i))}); }
};
template <> struct Element<BF16> {
    static constexpr int packed = 2;
    static float get(uint32_t r, int i) { return std::bit_cast<float>(i ? r & 0xffff0000 : r << 16); }
};
template <> struct Element<TF32> {
    static constexpr int packed = 1;
    static float get(uint32_t r, int) { return widen(TF32{r}); }
};
template <> struct Element<int8_t> {
    static constexpr int packed = 4;
    static int32_t get(uint32_t r, int i) { return static_cast<int8_t>(r >> (8 * i)); }
};
template <> struct Element<uint8_t> {
    static constexpr int packed = 4;
    static int32_t get(uint32_t r, int i) { return static_cast<uint8_t>(r >> (8 * i)); }
};

/// A fragment's registers as a row-major matrix. The lane loop is innermost over contiguous lanes.
template <class E, int M, int K, class V> void unpack_a(In a, V (&matrix)[M][K]) {
    constexpr int P = Element<E>::packed, registers = M * K / (32 * P), tall = M / 8;
    for (int r = 0; r < registers; r++)
        for (int i = 0; i < P; i++)
            for (int l = 0; l < 32; l++)
                matrix[l / 4 + 8 * (r % tall)][P * (l % 4 + 4 * (r / tall)) + i] = Element<E>::get(a[r][l], i);
}
template <class E, int K, class V> void unpack_b(In b, V (&matrix)[K][8]) {
    constexpr int P = Element<E>::packed, registers = K * 8 / (32 * P);
    for (int r = 0; r < registers; r++)
        for (int i = 0; i < P; i++)
            for (int l = 0; l < 32; l++) matrix[P * (l % 4 + 4 * r) + i][l / 4] = Element<E>::get(b[r][l], i);
}

/// acc += A B in ascending k, four rows at a time so that their additions overlap.
template <int M, int K, class V> void multiply(const V (&a)[M][K], const V (&b)[K][8], V (&acc)[M][8]) {
    constexpr int together = 4;
    for (int m = 0; m < M; m += together) {
        Row<V> sum[together];
        std::memcpy(sum, acc[m], sizeof sum);
        for (int k = 0; k < K; k++) {
            Row<V> row;
            std::memcpy(&row, b[k], sizeof row);
            for (int i = 0; i < together; i++) sum[i] += a[m + i][k] * row;
        }
        std::memcpy(acc[m], sum, sizeof sum);
    }
}

template <class E, int K, bool HalfSum> void mma_float(Out d, In a, In b, In c) {
    float A[16][K], B[K][8], C[16][8];
    unpack_a<E>(a, A);
    unpack_b<E>(b, B);
    for (int l = 0; l < 32; l++)
        for (int i = 0; i < 4; i++) {
            float& to = C[l / 4 + 8 * (i / 2)][2 * (l % 4) + i % 2];
            if constexpr (HalfSum) to = Element<F16>::get(c[i / 2][l], i % 2);
            else to = std::bit_cast<float>(c[i][l]);
        }
    multiply(A, B, C);
    for (int l = 0; l < 32; l++)
        for (int i = 0; i < 4; i += 2) {
            const float* sum = &C[l / 4 + 4 * i][2 * (l % 4)];
            if constexpr (HalfSum) d[i / 2][l] = convert_pair<F16>(sum[1], sum[0]);
            else {
                d[i][l] = bits_of(finish(sum[0], {}));
                d[i + 1][l] = bits_of(finish(sum[1], {}));
            }
        }
}

template <class EA, class EB, int M, int K, bool Saturate> void mma_int(Out d, In a, In b, In c) {
    int32_t A[M][K], B[K][8];
    uint32_t C[M][8] = {}; // the sum of products, |sum| <= 32 * 255 * 255: cannot overflow
    unpack_a<EA>(a, A);
    unpack_b<EB>(b, B);
    uint32_t UA[M][K], UB[K][8]; // the same bits: unsigned arithmetic wraps without being undefined
    std::memcpy(UA, A, sizeof A);
    std::memcpy(UB, B, sizeof B);
    multiply(UA, UB, C);
    for (int l = 0; l < 32; l++)
        for (int i = 0; i < M / 4; i++) {
            const auto sum = static_cast<int32_t>(C[l / 4 + 8 * (i / 2)][2 * (l % 4) + i % 2]);
            const auto start = static_cast<int32_t>(c[i][l]);
            d[i][l] = static_cast<uint32_t>(Saturate ? add_sat(start, sum) : wrap_add(start, sum));
        }
}

/// m8n8k4: one f64 of A and B a lane, two of C.
void mma_f64(Out d, In a, In b, In c) {
    double A[32], B[32], C[2][32];
    std::memcpy(A, a[0], sizeof A);
    std::memcpy(B, b[0], sizeof B);
    std::memcpy(C[0], c[0], sizeof C[0]);
    std::memcpy(C[1], c[1], sizeof C[1]);
    for (int l = 0; l < 32; l++)
        for (int i = 0; i < 2; i++)
            for (int k = 0; k < 4; k++) // A[row][k] is in lane 4 row + k, B[k][column] in lane 4 column + k
                C[i][l] = std::fma(A[l / 4 * 4 + k], B[(2 * (l % 4) + i) * 4 + k], C[i][l]);
    std::memcpy(d[0], C[0], sizeof C[0]);
    std::memcpy(d[1], C[1], sizeof C[1]);
}

template <class E, bool HalfSum = false> MmaOp float_op(int k) {
    constexpr int P = Element<E>::packed;
    constexpr int small = 4 * P; // one register of B
    const int sums = HalfSum ? 2 : 4;
    if (k == small) return {mma_float<E, small, HalfSum>, sums, 2, 1, sums, k, 16 * 8 * k};
    if (k == 2 * small) return {mma_float<E, 2 * small, HalfSum>, sums, 4, 2, sums, k, 16 * 8 * k};
    return {};
}

template <class EA, class EB, bool Saturate> MmaOp int_op(int m, int k) {
    if (m == 8 && k == 16) return {mma_int<EA, EB, 8, 16, Saturate>, 2, 1, 1, 2, k, 8 * 8 * k};
    if (m == 16 && k == 16) return {mma_int<EA, EB, 16, 16, Saturate>, 4, 2, 1, 4, k, 16 * 8 * k};
    if (m == 16 && k == 32) return {mma_int<EA, EB, 16, 32, Saturate>, 4, 4, 2, 4, k, 16 * 8 * k};
    return {};
}

template <class EA, class EB> MmaOp int_op(int m, int k, bool satfinite) {
    return satfinite ? int_op<EA, EB, true>(m, k) : int_op<EA, EB, false>(m, k);
}

} // namespace

MmaOp find_mma(int m, int n, int k, MmaType d, MmaType a, MmaType b, MmaType c, bool satfinite) {
    if (n != 8 || d != c) return {};
    const bool integers = (a == MmaType::s8 || a == MmaType::u8) && (b == MmaType::s8 || b == MmaType::u8);
    if (integers && d == MmaType::s32) {
        if (a == MmaType::s8)
            return b == MmaType::s8 ? int_op<int8_t, int8_t>(m, k, satfinite) : int_op<int8_t, uint8_t>(m, k, satfinite);
        return b == MmaType::s8 ? int_op<uint8_t, int8_t>(m, k, satfinite) : int_op<uint8_t, uint8_t>(m, k, satfinite);
    }
    if (satfinite || a != b) return {};
    if (a == MmaType::f64 && d == MmaType::f64 && m == 8 && k == 4) return {mma_f64, 2, 1, 1, 2, 4, 8 * 8 * 4};
    if (m != 16) return {};
    if (d == MmaType::f32) {
        if (a == MmaType::f16) return float_op<F16>(k);
        if (a == MmaType::bf16) return float_op<BF16>(k);
        if (a == MmaType::tf32) return float_op<TF32>(k);
    }
    if (d == MmaType::f16 && a == MmaType::f16) return float_op<F16, true>(k);
    return {};
}

void ldmatrix_distribute(const uint16_t rows[8][8], bool transposed, uint32_t lanes[32]) {
    for (int l = 0; l < 32; l++) {
        const int row = l / 4, column = 2 * (l % 4);
        const uint16_t first = transposed ? rows[column][row] : rows[row][column];
        const uint16_t second = transposed ? rows[column + 1][row] : rows[row][column + 1];
        lanes[l] = static_cast<uint32_t>(second) << 16 | first;
    }
}

void stmatrix_collect(const uint32_t lanes[32], bool transposed, uint16_t rows[8][8]) {
    for (int l = 0; l < 32; l++) {
        const int row = l / 4, column = 2 * (l % 4);
        (transposed ? rows[column][row] : rows[row][column]) = static_cast<uint16_t>(lanes[l]);
        (transposed ? rows[column + 1][row] : rows[row][column + 1]) = static_cast<uint16_t>(lanes[l] >> 16);
    }
}

void movmatrix_transpose(const uint32_t from[32], uint32_t to[32]) {
    uint16_t rows[8][8];
    stmatrix_collect(from, false, rows);
    ldmatrix_distribute(rows, true, to);
}

} // namespace kofn::sim::num

// SPDX-License-Identifier: Apache-2.0
//
// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): the driver's random choices.
#pragma once

#include <cstdint>

namespace kofn::driver {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
  }
  std::uint64_t below(std::uint64_t n) { return next() % n; }   // n is tiny beside 2^64: the bias does not matter here
  bool oneIn(std::uint64_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace kofn::driver

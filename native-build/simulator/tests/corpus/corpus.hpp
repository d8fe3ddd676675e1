// SPDX-License-Identifier: Apache-2.0
//
// Loads what nvcc made of a .cu file of this folder, for one architecture.
#pragma once

#include <cmath>
#include <fstream>
#include <numeric>
#include <random>
#include <sstream>

#include "check.hpp"
#include "device.hpp"

namespace corpus {

using namespace simtest;

struct Program {
  Device device;
  std::unique_ptr<Module> module;
  std::mt19937 random{7};

  Program(const std::string& name, int architecture) : device(architecture / 10, architecture % 10) {
    const std::string path = std::string(KOFN_CORPUS_DIR) + "/" + name + "_" + std::to_string(architecture) + ".ptx";
    std::ifstream file(path);
    if (!file) SKIP("no " + path + " (built only where nvcc is found)");
    std::stringstream text;
    text << file.rdbuf();
    module = device.load(text.str());
  }

  template <class... Args> LaunchResult run(const std::string& kernel, unsigned blocks, unsigned threads, Args... args) {
    return device.launch(*module, kernel, {blocks}, {threads}, args...);
  }
  template <class T> std::uint64_t up(const std::vector<T>& v) { return device.upload(v); }
  template <class T> std::uint64_t room(std::size_t n) { return device.allocate(n * sizeof(T)); }
  template <class T> std::vector<T> down(std::uint64_t a, std::size_t n) const { return device.download<T>(a, n); }

  std::vector<int> integers(std::size_t n, int low, int high) {
    std::vector<int> v(n);
    for (int& x : v) x = std::uniform_int_distribution<int>(low, high)(random);
    return v;
  }
  template <class T> std::vector<T> reals(std::size_t n, T low, T high) {
    std::vector<T> v(n);
    for (T& x : v) x = std::uniform_real_distribution<T>(low, high)(random);
    return v;
  }
};

inline const int kArchitectures[] = {80, 90, 100};

/// TEST that runs once an architecture, on `program`.
#define CORPUS_TEST(name, file)                                                        \
  static void CHECK_CONCAT(corpus_, __LINE__)(corpus::Program& program);               \
  TEST(name) {                                                                         \
    for (int architecture : corpus::kArchitectures) {                                  \
      corpus::Program program(file, architecture);                                     \
      const int before = check::failures();                                            \
      CHECK_CONCAT(corpus_, __LINE__)(program);                                        \
      if (check::failures() != before) std::fprintf(stderr, "  (on sm_%d)\n", architecture); \
    }                                                                                  \
  }                                                                                    \
  static void CHECK_CONCAT(corpus_, __LINE__)(corpus::Program& program)

}  // namespace corpus

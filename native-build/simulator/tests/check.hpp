// SPDX-License-Identifier: Apache-2.0
//
// The test helper: TEST("name") { ... CHECK(x); CHECK_EQ(a, b); SKIP("why"); } and one main per executable.
// A test program runs all its tests (or those whose name contains argv[1]), prints each failure with file and line,
// and exits 1 if any failed, 77 (CTest's SKIP_RETURN_CODE) if nothing failed and everything was skipped.
#pragma once

#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace check {

struct Test { const char* name; std::function<void()> body; };
struct Skipped { std::string why; };

inline std::vector<Test>& tests() { static std::vector<Test> all; return all; }
inline int& failures() { static int count = 0; return count; }
struct Register { Register(const char* name, std::function<void()> body) { tests().push_back({name, std::move(body)}); } };

inline void fail(const char* file, int line, const std::string& what) {
  if (++failures() <= 50) std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

template <class A, class B>
void equal(const A& a, const B& b, const char* text, const char* file, int line) {
  if (a == b) return;
  std::ostringstream s;
  s << text << ": " << a << " != " << b;
  fail(file, line, s.str());
}

inline int runAll(int argc, char** argv) {
  int ran = 0, skipped = 0;
  for (const Test& t : tests()) {
    if (argc > 1 && !std::strstr(t.name, argv[1])) continue;
    const int before = failures();
    ++ran;
    try {
      t.body();
    } catch (const Skipped& s) {
      ++skipped;
      std::printf("SKIPPED %s: %s\n", t.name, s.why.c_str());
      continue;
    } catch (const std::exception& e) {
      fail(t.name, 0, std::string("threw ") + e.what());
    }
    if (failures() != before) std::fprintf(stderr, "FAILED %s\n", t.name);
  }
  std::printf("%d tests, %d skipped, %d failed checks\n", ran, skipped, failures());
  if (ran == 0) { std::fprintf(stderr, "no test matches\n"); return 1; }
  if (failures()) return 1;
  return ran == skipped ? 77 : 0;
}

}  // namespace check

#define CHECK_CONCAT2(a, b) a##b
#define CHECK_CONCAT(a, b) CHECK_CONCAT2(a, b)
#define TEST(name)                                                                                     \
  static void CHECK_CONCAT(test_, __LINE__)();                                                         \
  static const check::Register CHECK_CONCAT(register_, __LINE__)(name, CHECK_CONCAT(test_, __LINE__)); \
  static void CHECK_CONCAT(test_, __LINE__)()
#define CHECK(x) do { if (!(x)) check::fail(__FILE__, __LINE__, "not true: " #x); } while (0)
#define CHECK_EQ(a, b) check::equal((a), (b), #a " == " #b, __FILE__, __LINE__)
#define SKIP(why) throw check::Skipped{why}
#define TEST_MAIN int main(int argc, char** argv) { return check::runAll(argc, argv); }

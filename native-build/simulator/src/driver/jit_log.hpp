// SPDX-License-Identifier: Apache-2.0
//
// The log buffers that a caller may pass when it loads code: the text is cut to the buffer, always ends in a zero byte,
// and the size option comes back as the number of bytes used. Other options ask for things that an interpreter does not
// do (registers, optimisation, caching) and are accepted without effect.
#pragma once

#include <cstring>
#include <string>

#include "driver/driver.hpp"

namespace kofn::driver {

struct JitOptions {
  unsigned count = 0;
  CUjit_option* options = nullptr;
  void** values = nullptr;
};

class JitLog {
 public:
  explicit JitLog(const JitOptions& given) {
    if (!given.count) return;
    requirePointer(given.options, "options");
    requirePointer(given.values, "optionValues");
    for (unsigned i = 0; i < given.count; ++i) {
      void** const value = &given.values[i];
      switch (given.options[i]) {
        case CU_JIT_INFO_LOG_BUFFER: info_.text = static_cast<char*>(*value); break;
        case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES: info_.size = value; break;
        case CU_JIT_ERROR_LOG_BUFFER: error_.text = static_cast<char*>(*value); break;
        case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES: error_.size = value; break;
        default:
          if (given.options[i] < 0 || given.options[i] > CU_JIT_SPLIT_COMPILE)
            fail(CUDA_ERROR_INVALID_VALUE, "there is no JIT option ", given.options[i]);
      }
    }
    info_.begin();
    error_.begin();
  }
  void info(const std::string& text) { info_.write(text); }
  void error(const std::string& text) { error_.write(text); }

 private:
  struct Buffer {
    char* text = nullptr;
    void** size = nullptr;   // the option's value is the number itself
    std::size_t capacity = 0;

    void begin() {
      if (!text || !size) return;
      capacity = reinterpret_cast<std::uintptr_t>(*size) & 0xffffffffu;   // an unsigned int, by the manual
      write("");
    }
    void write(const std::string& message) {
      if (!text || !capacity) return;
      const std::size_t used = std::min(message.size(), capacity - 1);
      std::memcpy(text, message.data(), used);
      text[used] = '\0';
      *size = reinterpret_cast<void*>(static_cast<std::uintptr_t>(message.empty() ? 0 : used + 1));
    }
  };
  Buffer info_, error_;
};

}  // namespace kofn::driver

// SPDX-License-Identifier: Apache-2.0
//
// One stream capture under way: the graph it makes, and the rules that can spoil it.
#pragma once

#include "driver/objects.hpp"

namespace kofn::driver {

struct Capture {
  std::shared_ptr<Graph> graph;
  Stream* origin = nullptr;
  std::thread::id thread;              // that began it
  int mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  bool spoiled = false;
  std::string reason;                  // what spoiled it
  std::vector<std::weak_ptr<Stream>> streams;   // all that take part

  void spoil(std::string why) {
    if (!spoiled) reason = std::move(why);
    spoiled = true;
  }
};

}  // namespace kofn::driver

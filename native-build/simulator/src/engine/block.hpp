// SPDX-License-Identifier: Apache-2.0
//
// A block's life on a host thread.
#pragma once

#include "engine/machine.hpp"

namespace kofn::sim {

// Makes `b` the block with this number: registers, shared and local memory as the hardware would hand them over, poisoned.
void startBlock(Worker& worker, Block& b, std::uint64_t linear);

// Takes blocks from the launch and runs them until none is left or the launch stops.
void runBlocks(Worker& worker);

}  // namespace kofn::sim

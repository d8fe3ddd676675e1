// SPDX-License-Identifier: Apache-2.0
#include "engine/l2.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

namespace kofn::sim {

L2Model::L2Model(std::uint64_t bytes)
    : setCount_(std::max<std::uint64_t>(1, bytes / (128 * kWays))), sets_(static_cast<Set*>(std::calloc(setCount_, sizeof(Set))), std::free) {
  if (!sets_) throw std::bad_alloc();
}

void L2Model::access(std::uint64_t sector, bool isWrite) {
  const std::uint64_t line = sector / 4, index = line % setCount_;
  const std::uint8_t bit = static_cast<std::uint8_t>(1u << (sector % 4));
  const unsigned lock = static_cast<unsigned>(index % kLocks);
  const std::lock_guard guard(locks_[lock]);
  Set& set = sets_[index];
  if (set.time == 0) touched_[lock].push_back(index);
  Line* found = nullptr;
  for (Line& l : set.lines)
    if (l.present && l.tag == line) found = &l;
  if (!found) {
    found = &set.lines[0];
    for (Line& l : set.lines) {
      if (!l.present) {
        found = &l;
        break;
      }
      if (l.used < found->used) found = &l;
    }
    written_[lock] += 32u * static_cast<unsigned>(std::popcount(found->dirty));
    *found = {line, 0, 0, 0};
  }
  found->used = ++set.time;
  if (!(found->present & bit)) {
    if (!isWrite) read_[lock] += 32;   // a written sector is taken to be written whole
    found->present |= bit;
  }
  if (isWrite) found->dirty |= bit;
}

void L2Model::flush(std::uint64_t& readBytes, std::uint64_t& writtenBytes) {
  readBytes = writtenBytes = 0;
  for (const std::vector<std::uint64_t>& list : touched_)
    for (const std::uint64_t index : list)
      for (const Line& l : sets_[index].lines) writtenBytes += 32u * static_cast<unsigned>(std::popcount(l.dirty));
  for (unsigned k = 0; k < kLocks; ++k) readBytes += read_[k], writtenBytes += written_[k];
}

}  // namespace kofn::sim

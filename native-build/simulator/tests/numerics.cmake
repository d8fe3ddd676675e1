# SPDX-License-Identifier: Apache-2.0
#
# The arithmetic alone, without the interpreter.
foreach(topic format float_arith compare convert integer bitfield approx mma)
  kofn_sim_test(numerics_${topic} ${CMAKE_CURRENT_LIST_DIR}/numerics/${topic}_test.cpp)
endforeach()

# SPDX-License-Identifier: Apache-2.0
#
# Instructions by their PTX text. opcodes covers the engine's table of register forms; the others probe the decoder for the
# forms it accepts.
set(here ${CMAKE_CURRENT_LIST_DIR}/opcodes)
kofn_sim_test(opcodes ${here}/opcodes_test.cpp ${here}/kernel.cpp ${here}/oracle_integer.cpp ${here}/oracle_bits.cpp ${here}/oracle_float.cpp)
foreach(topic memory atomics warp moves)
  kofn_sim_test(opcodes_${topic} ${here}/${topic}_test.cpp)
endforeach()
# Long texts: less optimisation compiles faster.
foreach(target opcodes opcodes_memory opcodes_atomics opcodes_warp opcodes_moves)
  target_compile_options(${target} PRIVATE -O1)
endforeach()

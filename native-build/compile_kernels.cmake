# SPDX-License-Identifier: Apache-2.0
# Runs nvcc and keeps what ptxas says, and which files it read. No fast math: the noise is bit-exact, and denormal logits count.
execute_process(
  COMMAND ${NVCC} -fatbin --std=c++17 -O3 ${GENCODE} -Xfatbin --compress-mode=none -Xptxas -v
          -MD -MF ${DEPENDENCIES} -MT ${FATBIN} -o ${FATBIN} ${SOURCE}
  RESULT_VARIABLE STATUS
  OUTPUT_VARIABLE OUT
  ERROR_VARIABLE ERR)
file(WRITE ${LOG} "${ERR}")
if(NOT STATUS EQUAL 0)
  message(FATAL_ERROR "nvcc failed:\n${OUT}${ERR}")
endif()

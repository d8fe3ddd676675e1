# SPDX-License-Identifier: Apache-2.0
#
# Code that was not written for the simulator: the toolkit's CUB, cooperative groups and math library, compiled by nvcc to
# PTX for each architecture. Without nvcc the tests say "skipped".
set(KOFN_CORPUS_DIR ${CMAKE_CURRENT_BINARY_DIR}/corpus)
file(MAKE_DIRECTORY ${KOFN_CORPUS_DIR})
foreach(topic cub groups math language)
  kofn_sim_test(corpus_${topic} ${CMAKE_CURRENT_LIST_DIR}/corpus/${topic}_test.cpp)
  target_compile_options(corpus_${topic} PRIVATE -O1)
  target_compile_definitions(corpus_${topic} PRIVATE KOFN_CORPUS_DIR="${KOFN_CORPUS_DIR}")
  if(KOFN_NVCC)
    set(outputs)
    foreach(architecture 80 90 100)
      set(output ${KOFN_CORPUS_DIR}/${topic}_${architecture}.ptx)
      add_custom_command(OUTPUT ${output}
        COMMAND ${KOFN_NVCC} -std=c++17 -ptx -arch=compute_${architecture} -o ${output} ${CMAKE_CURRENT_LIST_DIR}/corpus/${topic}.cu
        DEPENDS ${CMAKE_CURRENT_LIST_DIR}/corpus/${topic}.cu VERBATIM)
      list(APPEND outputs ${output})
    endforeach()
    add_custom_target(corpus_${topic}_ptx DEPENDS ${outputs})
    add_dependencies(corpus_${topic} corpus_${topic}_ptx)
  endif()
endforeach()

# SPDX-License-Identifier: Apache-2.0
#
# The engine's own tests. Kernels are compiled to PTX here when there is an nvcc; their tests are skipped otherwise.

# kofn_ptx(SOURCE.cu ARCH): PTX of tests/kernels/SOURCE.cu, added to the target sim_test_ptx.
set(KOFN_PTX_DIR ${CMAKE_CURRENT_BINARY_DIR}/ptx)
file(MAKE_DIRECTORY ${KOFN_PTX_DIR})
set(KOFN_PTX_FILES)
macro(kofn_ptx source arch)
  if(KOFN_NVCC)
    set(ptx ${KOFN_PTX_DIR}/${source}.sm_${arch}.ptx)
    add_custom_command(OUTPUT ${ptx}
      COMMAND ${KOFN_NVCC} -std=c++17 -arch=sm_${arch} -lineinfo -ptx ${CMAKE_CURRENT_LIST_DIR}/kernels/${source}.cu -o ${ptx}
      DEPENDS ${CMAKE_CURRENT_LIST_DIR}/kernels/${source}.cu VERBATIM)
    list(APPEND KOFN_PTX_FILES ${ptx})
  endif()
endmacro()
foreach(arch 80 90 100)
  kofn_ptx(basics ${arch})
  kofn_ptx(defects ${arch})
  kofn_ptx(matrix ${arch})
endforeach()
kofn_ptx(noise 80)
add_custom_target(sim_test_ptx ALL DEPENDS ${KOFN_PTX_FILES})

foreach(name engine_basics engine_defects engine_matrix engine_noise engine_parser)
  kofn_sim_test(${name} ${CMAKE_CURRENT_LIST_DIR}/${name}.cpp)
  target_compile_definitions(${name} PRIVATE KOFN_PTX_DIR="${KOFN_PTX_DIR}")
  add_dependencies(${name} sim_test_ptx)
endforeach()

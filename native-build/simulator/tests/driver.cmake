# SPDX-License-Identifier: Apache-2.0
#
# The driver layer. Its tests call the exported entry points, as a program does; each executable is one process with one
# driver. KOFN_SIM_SEED is left random: a failure prints the seed that repeats it.
find_path(KOFN_CUDA_INCLUDE cuda.h HINTS ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES include)
if(KOFN_CUDA_INCLUDE)
  add_executable(driver_abi_check ${CMAKE_CURRENT_LIST_DIR}/driver/abi_check.cpp)
  target_include_directories(driver_abi_check PRIVATE ${CMAKE_CURRENT_LIST_DIR}/../src SYSTEM ${KOFN_CUDA_INCLUDE})
  target_link_libraries(driver_abi_check PRIVATE sim_options)
  add_test(NAME driver_abi_check COMMAND driver_abi_check)
endif()

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

# Linked with the library's objects instead of the library where a sanitizer needs to be in the program.
function(kofn_driver_test topic)
  add_executable(driver_${topic} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/driver/${topic}_test.cpp)
  target_include_directories(driver_${topic} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../include)
  target_link_libraries(driver_${topic} PRIVATE sim_engine ${CMAKE_DL_LIBS})
  if(KOFN_SANITIZE)
    target_link_libraries(driver_${topic} PRIVATE sim_driver_objects)
    set_target_properties(driver_${topic} PROPERTIES ENABLE_EXPORTS ON)   # the tests look names up with dlsym
  else()
    target_link_libraries(driver_${topic} PRIVATE cuda)
  endif()
  add_test(NAME driver_${topic} COMMAND driver_${topic})
  set_tests_properties(driver_${topic} PROPERTIES TIMEOUT 600)
endfunction()
foreach(topic context devices memory stream launch graph module)
  kofn_driver_test(${topic})
endforeach()

add_executable(fuzz_ptx ${CMAKE_CURRENT_LIST_DIR}/driver/fuzz_ptx.cpp)
target_include_directories(fuzz_ptx PRIVATE ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(fuzz_ptx PRIVATE sim_driver_objects)
add_test(NAME driver_fuzz_ptx COMMAND fuzz_ptx 3000)
set_tests_properties(driver_fuzz_ptx PROPERTIES TIMEOUT 600)

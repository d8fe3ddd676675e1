# SPDX-License-Identifier: Apache-2.0
#
# cuda-kernels/ -> kernels/kofn.fatbin: machine code for the architectures asked for, and PTX for compute_80 in plain text, which the
# simulated device runs and a newer GPU's driver compiles. ptxas's resource report is compared with the one in the repository.

set(KOFN_ARCHITECTURES "80;90" CACHE STRING "compute capabilities to compile machine code for; a release takes 80;86;89;90;100;120")
if(NOT KOFN_NVCC)
  return()
endif()

set(KERNEL_SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/../cuda-kernels)
file(GLOB_RECURSE KERNEL_FILES CONFIGURE_DEPENDS ${KERNEL_SOURCES}/*.cu ${KERNEL_SOURCES}/*.cuh ${KERNEL_SOURCES}/*.inc)
set(KERNEL_OUT ${CMAKE_CURRENT_BINARY_DIR}/kernels)
file(MAKE_DIRECTORY ${KERNEL_OUT})

set(GENCODE -gencode arch=compute_80,code=compute_80)
foreach(ARCH ${KOFN_ARCHITECTURES})
  list(APPEND GENCODE -gencode arch=compute_${ARCH},code=sm_${ARCH})
endforeach()

add_custom_command(
  OUTPUT ${KERNEL_OUT}/kofn.fatbin ${KERNEL_OUT}/ptxas.log
  COMMAND ${CMAKE_COMMAND} -DNVCC=${KOFN_NVCC} "-DGENCODE=${GENCODE}" -DSOURCE=${KERNEL_SOURCES}/sampling/sampling.cu
          -DFATBIN=${KERNEL_OUT}/kofn.fatbin -DLOG=${KERNEL_OUT}/ptxas.log
          -P ${CMAKE_CURRENT_SOURCE_DIR}/compile_kernels.cmake
  DEPENDS ${KERNEL_FILES} ${CMAKE_CURRENT_SOURCE_DIR}/compile_kernels.cmake
  COMMENT "Compiling the CUDA kernels"
  VERBATIM)

set(RESOURCES_FILE ${KERNEL_SOURCES}/resources.txt)
add_custom_command(
  OUTPUT ${KERNEL_OUT}/resources.txt
  COMMAND ${CMAKE_COMMAND} -DLOG=${KERNEL_OUT}/ptxas.log -DREPORT=${KERNEL_OUT}/resources.txt -DRECORDED=${RESOURCES_FILE}
          -P ${CMAKE_CURRENT_SOURCE_DIR}/check_resources.cmake
  DEPENDS ${KERNEL_OUT}/ptxas.log ${CMAKE_CURRENT_SOURCE_DIR}/check_resources.cmake
  VERBATIM)
add_custom_target(kernels ALL DEPENDS ${KERNEL_OUT}/kofn.fatbin ${KERNEL_OUT}/resources.txt)

# Fails when the registers, shared memory or spills of an instance are not those that the repository records.
add_test(NAME kernel_resources COMMAND ${CMAKE_COMMAND} -E compare_files ${KERNEL_OUT}/resources.txt ${RESOURCES_FILE})

# SPDX-License-Identifier: Apache-2.0
#
# cuda-kernels/FOLDER/UNIT.cu -> kernels/UNIT.fatbin: machine code for the architectures asked for, and PTX for compute_80 in
# plain text, which the simulated device runs and a newer GPU's driver compiles. ptxas's resource reports are compared with those in the
# repository. The units compile in parallel, and load as a module each.

set(KOFN_ARCHITECTURES "80;90" CACHE STRING "compute capabilities to compile machine code for; a release takes 80;86;89;90;100;120")
if(NOT KOFN_NVCC)
  return()
endif()

set(KERNEL_SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/../cuda-kernels)
set(KERNEL_OUT ${CMAKE_CURRENT_BINARY_DIR}/kernels)
file(MAKE_DIRECTORY ${KERNEL_OUT})

set(GENCODE -gencode arch=compute_80,code=compute_80)
foreach(ARCH ${KOFN_ARCHITECTURES})
  list(APPEND GENCODE -gencode arch=compute_${ARCH},code=sm_${ARCH})
endforeach()

foreach(UNIT sampling/sampling matmul/matmul matmul/tensor matmul/gathered convolution/convolution)
  get_filename_component(FOLDER ${UNIT} DIRECTORY)
  get_filename_component(UNIT ${UNIT} NAME)
  add_custom_command(
    OUTPUT ${KERNEL_OUT}/${UNIT}.fatbin ${KERNEL_OUT}/${UNIT}.log
    COMMAND ${CMAKE_COMMAND} -DNVCC=${KOFN_NVCC} "-DGENCODE=${GENCODE}" -DSOURCE=${KERNEL_SOURCES}/${FOLDER}/${UNIT}.cu
            -DFATBIN=${KERNEL_OUT}/${UNIT}.fatbin -DLOG=${KERNEL_OUT}/${UNIT}.log
            -DDEPENDENCIES=${KERNEL_OUT}/${UNIT}.d -P ${CMAKE_CURRENT_SOURCE_DIR}/compile_kernels.cmake
    DEPENDS ${KERNEL_SOURCES}/${FOLDER}/${UNIT}.cu ${CMAKE_CURRENT_SOURCE_DIR}/compile_kernels.cmake
    DEPFILE ${KERNEL_OUT}/${UNIT}.d
    COMMENT "Compiling the CUDA kernels: ${UNIT}"
    VERBATIM)
  list(APPEND KERNEL_FATBINS ${KERNEL_OUT}/${UNIT}.fatbin)
  list(APPEND KERNEL_LOGS ${KERNEL_OUT}/${UNIT}.log)
endforeach()

add_custom_command(
  OUTPUT ${KERNEL_OUT}/kernels.properties
  COMMAND ${CMAKE_COMMAND} -DNVCC=${KOFN_NVCC} "-DARCHITECTURES=${KOFN_ARCHITECTURES}" "-DFATBINS=${KERNEL_FATBINS}"
          -DOUT=${KERNEL_OUT}/kernels.properties -P ${CMAKE_CURRENT_SOURCE_DIR}/describe_kernels.cmake
  DEPENDS ${KERNEL_FATBINS} ${CMAKE_CURRENT_SOURCE_DIR}/describe_kernels.cmake
  VERBATIM)

set(RESOURCES_FILE ${KERNEL_SOURCES}/resources.txt)
add_custom_command(
  OUTPUT ${KERNEL_OUT}/resources.txt
  COMMAND ${CMAKE_COMMAND} "-DLOGS=${KERNEL_LOGS}" -DREPORT=${KERNEL_OUT}/resources.txt "-DRECORDED=80;90"
          -P ${CMAKE_CURRENT_SOURCE_DIR}/check_resources.cmake
  DEPENDS ${KERNEL_LOGS} ${CMAKE_CURRENT_SOURCE_DIR}/check_resources.cmake
  VERBATIM)
add_custom_target(kernels ALL DEPENDS ${KERNEL_FATBINS} ${KERNEL_OUT}/kernels.properties ${KERNEL_OUT}/resources.txt)

# Fails when the registers, shared memory or spills of an instance are not those that the repository records.
add_test(NAME kernel_resources COMMAND ${CMAKE_COMMAND} -E compare_files ${KERNEL_OUT}/resources.txt ${RESOURCES_FILE})

# SPDX-License-Identifier: Apache-2.0
# Writes what a program must know of the fatbins before it loads them: the toolkit, the architectures, each file's SHA-256.
execute_process(COMMAND ${NVCC} --version OUTPUT_VARIABLE VERSION COMMAND_ERROR_IS_FATAL ANY)
if(NOT VERSION MATCHES "release ([0-9]+\\.[0-9]+)")
  message(FATAL_ERROR "${NVCC} --version names no release:\n${VERSION}")
endif()
list(JOIN ARCHITECTURES "," JOINED)
set(TEXT "# What the fatbins beside this file hold; checked when they are loaded.\ntoolkit=${CMAKE_MATCH_1}\narchitectures=${JOINED}\nptx=80\n")
foreach(FATBIN IN LISTS FATBINS)
  file(SHA256 ${FATBIN} HASH)
  get_filename_component(NAME ${FATBIN} NAME)
  string(APPEND TEXT "${NAME}=${HASH}\n")
endforeach()
file(WRITE ${OUT} "${TEXT}")

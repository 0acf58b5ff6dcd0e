# What every folder's CMakeLists.txt uses: compiler settings, packages, and two functions.

option(BULKHEAD_WERROR "Treat warnings as errors" ON)
set(BULKHEAD_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined or thread")
option(BULKHEAD_FUZZ "Build the libFuzzer programs (clang only)" OFF)
option(BULKHEAD_UNITY "Compile sources of a library together, where it says so" ON)

find_program(CCACHE ccache)
if(CCACHE)
  # It takes a file with a precompiled header for the same only if it is told so.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(CapnProto REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(Boost REQUIRED)
pkg_check_modules(uring REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(pcap REQUIRED IMPORTED_TARGET libpcap)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)

add_library(bulkhead_options INTERFACE)
target_include_directories(bulkhead_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
# Generated headers: their warnings are their generators'.
target_include_directories(bulkhead_options SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/generated)
# Where sources are compiled together (below), a local name often stands for another file's global one, and clang sees all of a class.
set(together $<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(BULKHEAD_WARNINGS_BY_FORM $<IF:${together},-Wshadow=local,-Wshadow>)
else()
  set(BULKHEAD_WARNINGS_BY_FORM $<IF:${together},-Wno-unused-private-field,-Wshadow>)
endif()
target_compile_options(bulkhead_options INTERFACE
  -Wall -Wextra -Wconversion ${BULKHEAD_WARNINGS_BY_FORM} -fno-omit-frame-pointer $<$<BOOL:${BULKHEAD_WERROR}>:-Werror>)
if(BULKHEAD_SANITIZE)
  target_compile_options(bulkhead_options INTERFACE -fsanitize=${BULKHEAD_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(bulkhead_options INTERFACE -fsanitize=${BULKHEAD_SANITIZE})
  # For what has to be told of fibres; g++ and clang have no name for it in common.
  if(BULKHEAD_SANITIZE MATCHES thread)
    target_compile_definitions(bulkhead_options INTERFACE BULKHEAD_TSAN)
  else()
    target_compile_definitions(bulkhead_options INTERFACE BULKHEAD_ASAN)
  endif()
  # TSan does not model fences; all that ours order are atomics, so it has nothing to misjudge.
  if(BULKHEAD_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(bulkhead_options INTERFACE -Wno-tsan)
  endif()
endif()

if(BULKHEAD_FUZZ)
  # Everything is compiled once, for the fuzzers and for the tests beside them.
  target_compile_options(bulkhead_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Optimising a program as a whole at link time is for what a packet passes; the rest would wait for it in vain.
# Libraries on that way carry both forms of code, and each program chooses.
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION)
  set(BULKHEAD_BOTH_FORMS -ffat-lto-objects)
endif()
function(bulkhead_linked_plainly name)
  set_target_properties(${name} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
  if(CMAKE_INTERPROCEDURAL_OPTIMIZATION)
    target_link_options(${name} PRIVATE -fno-lto)
  endif()
endfunction()

# Optimising for real is for what a packet passes, too: elsewhere it is a third of the time of compiling.
function(bulkhead_compiled_plainly name)
  target_compile_options(${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
  bulkhead_linked_plainly(${name})
endfunction()

# Precompiled headers: one for each form of sources, which may have more definitions than it.
foreach(form hot plain test)
  add_library(bulkhead_precompiled_${form} OBJECT ${CMAKE_SOURCE_DIR}/cmake/precompiled.cc)
  target_link_libraries(bulkhead_precompiled_${form} PRIVATE bulkhead_options fmt::fmt)
endforeach()
target_compile_options(bulkhead_precompiled_hot PRIVATE ${BULKHEAD_BOTH_FORMS})
bulkhead_compiled_plainly(bulkhead_precompiled_plain)
bulkhead_compiled_plainly(bulkhead_precompiled_test)
target_compile_definitions(bulkhead_precompiled_test PRIVATE BOOST_TEST_DYN_LINK)
if(BULKHEAD_FUZZ)
  set(BULKHEAD_TEST_OPTIONS -O0)  # Boost.Test's macros, sanitized, take clang's optimiser half a minute a file
  target_compile_options(bulkhead_precompiled_test PRIVATE ${BULKHEAD_TEST_OPTIONS})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(bulkhead_options INTERFACE -fpch-preprocess)
else()
  target_compile_options(bulkhead_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")  # ccache's wish
endif()
target_precompile_headers(bulkhead_precompiled_hot PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled.h)
target_precompile_headers(bulkhead_precompiled_plain PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled.h)
target_precompile_headers(bulkhead_precompiled_test PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled_test.h)
function(bulkhead_precompiled name form)
  target_precompile_headers(${name} REUSE_FROM bulkhead_precompiled_${form})
endfunction()

# Half of what a small file takes to compile are the headers that its neighbours include too, so files of a library are
# compiled some at a time. Names in their anonymous namespaces are then in one, and must differ; BULKHEAD_UNITY=OFF (preset
# debug, clang-tidy) compiles each by itself.
function(bulkhead_compiled_together name)
  if(NOT BULKHEAD_UNITY)
    return()
  endif()
  set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -Wno-subobject-linkage)  # which takes the files for headers
  endif()
endfunction()

# bulkhead_library(NAME [HOT] [SIMULATED] [TOGETHER] SOURCES a.cc ... [APART a.cc ...] [LINK lib ...])
# HOT: on a packet's way.
# TOGETHER: bulkhead_compiled_together, but for those of the sources that stand behind APART, whose names are others' too.
# SIMULATED also builds NAME_sim, the same sources with every access to shared memory a point at
# which the simulator may switch or kill (ipc/memory/word.h). It links the _sim form of each bulkhead
# library that has one. The two forms are never linked into one program.
function(bulkhead_library name)
  cmake_parse_arguments(A "HOT;SIMULATED;TOGETHER" "" "SOURCES;APART;LINK" ${ARGN})
  if(A_APART)
    set_source_files_properties(${A_APART} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
  add_library(${name} STATIC ${A_SOURCES})
  target_link_libraries(${name} PUBLIC bulkhead_options ${A_LINK})
  if(A_HOT)
    target_compile_options(${name} PRIVATE ${BULKHEAD_BOTH_FORMS})
    bulkhead_precompiled(${name} hot)
  else()
    bulkhead_compiled_plainly(${name})
    bulkhead_precompiled(${name} plain)
  endif()
  if(A_TOGETHER)
    bulkhead_compiled_together(${name})
  endif()
  if(A_SIMULATED)
    add_library(${name}_sim STATIC ${A_SOURCES})
    target_compile_definitions(${name}_sim PUBLIC BULKHEAD_SIMULATION=1)
    set(link)
    foreach(lib ${A_LINK})
      if(TARGET ${lib}_sim)
        list(APPEND link ${lib}_sim)
      else()
        list(APPEND link ${lib})
      endif()
    endforeach()
    target_link_libraries(${name}_sim PUBLIC bulkhead_options ${link})
    bulkhead_compiled_plainly(${name}_sim)
    bulkhead_precompiled(${name}_sim plain)
    if(A_TOGETHER)
      bulkhead_compiled_together(${name}_sim)
    endif()
  endif()
endfunction()

# bulkhead_program(NAME [HOT] SOURCES a.cc ... [LINK lib ...]): one of the processes.
function(bulkhead_program name)
  cmake_parse_arguments(A "HOT" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE bulkhead_options ${A_LINK})
  if(A_HOT)
    target_compile_options(${name} PRIVATE ${BULKHEAD_BOTH_FORMS})
    bulkhead_precompiled(${name} hot)
  else()
    bulkhead_compiled_plainly(${name})
    bulkhead_precompiled(${name} plain)
  endif()
  if(NOT BULKHEAD_SANITIZE)
    target_link_libraries(${name} PRIVATE PkgConfig::jemalloc)
  endif()
endfunction()

# bulkhead_tool(NAME SOURCES a.cc ... [LINK lib ...]): a program that tests run.
function(bulkhead_tool name)
  cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE bulkhead_options ${A_LINK})
  bulkhead_compiled_plainly(${name})
  bulkhead_precompiled(${name} plain)
endfunction()

# bulkhead_test(NAME SOURCES a.cc ... [LINK lib ...] [LABELS l ...] [TIMEOUT s])
function(bulkhead_test name)
  cmake_parse_arguments(A "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_compile_definitions(${name} PRIVATE BOOST_TEST_DYN_LINK)
  target_link_libraries(${name} PRIVATE bulkhead_options ${A_LINK} boost_unit_test_framework)
  target_compile_options(${name} PRIVATE ${BULKHEAD_TEST_OPTIONS})
  bulkhead_compiled_plainly(${name})
  bulkhead_precompiled(${name} test)
  add_test(NAME ${name} COMMAND ${name} --log_level=test_suite --report_level=short)
  if(A_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${A_LABELS}")
  endif()
  if(A_TIMEOUT)
    set_tests_properties(${name} PROPERTIES TIMEOUT ${A_TIMEOUT})
  endif()
endfunction()

# bulkhead_costs(NAME seconds ...): about how long tests take. ctest begins with the longest, so that no core waits at the end.
function(bulkhead_costs)
  while(ARGN)
    list(POP_FRONT ARGN name seconds)
    set_tests_properties(${name} PROPERTIES COST ${seconds})
  endwhile()
endfunction()

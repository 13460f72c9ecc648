# Data-parallel training over c10d: decides whether this build has it. Gloo lives inside LibTorch, which exports c10d's
# process group on it but ships none of gloo's headers; native/opaque declares the few types that c10d's header names
# (CONTRIBUTING.md, "Data-parallel training").
#
# AUTOMED_GLOO: auto (default: where LibTorch exports what is used), ON (an error where it does not), OFF.
# AUTOMED_NCCL: auto (default: a CUDA build whose headers of NCCL, cuBLAS and CUDA are found), ON, OFF.

foreach(feature AUTOMED_GLOO AUTOMED_NCCL)
  if(NOT DEFINED ${feature} AND DEFINED ENV{${feature}})
    set(${feature} "$ENV{${feature}}")
  endif()
  set(${feature} "${${feature}}" CACHE STRING "auto, ON or OFF")
  if("${${feature}}" STREQUAL "")
    set_property(CACHE ${feature} PROPERTY VALUE auto)
    set(${feature} auto)
  endif()
  if(NOT ${feature} MATCHES "^(auto|ON|OFF)$")
    message(FATAL_ERROR "${feature} must be auto, ON or OFF, not '${${feature}}'.")
  endif()
endforeach()

# The mangled names hold the signatures: a LibTorch whose functions changed does not pass.
set(_gloo_symbols
  _ZN4c10d16ProcessGroupGlooC1ERKN3c1013intrusive_ptrINS_5StoreENS1_6detail34intrusive_target_default_null_typeIS3_EEEEiiNS2_INS0_7OptionsENS5_ISA_EEEE
  _ZN4c10d16ProcessGroupGloo7OptionsC1ENSt6chrono8durationIlSt5ratioILl1ELl1000EEEE
  _ZN4c10d16ProcessGroupGloo7Options14create_defaultENSt6chrono8durationIlSt5ratioILl1ELl1000EEEE
  _ZN4c10d16ProcessGroupGloo23createDeviceForHostnameERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEb
  _ZN4c10d8TCPStoreC1ENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEERKNS_15TCPStoreOptionsE)

function(automed_check_gloo result)
  set(${result} OFF PARENT_SCOPE)
  if(NOT EXISTS "${AUTOMED_LIBTORCH_ROOT}/include/torch/csrc/distributed/c10d/ProcessGroupGloo.hpp")
    return()
  endif()
  set(declarations "")
  set(table "")
  foreach(symbol ${_gloo_symbols})
    string(APPEND declarations "extern \"C\" void ${symbol}();\n")
    string(APPEND table "${symbol}, ")
  endforeach()
  file(WRITE "${CMAKE_BINARY_DIR}/check-gloo/main.cpp"
    "${declarations}void (*volatile wanted[])() = {${table}};\nint main() { return wanted[0] == nullptr; }\n")
  try_compile(exported "${CMAKE_BINARY_DIR}/check-gloo" "${CMAKE_BINARY_DIR}/check-gloo/main.cpp"
    LINK_LIBRARIES "${AUTOMED_LIBTORCH_ROOT}/lib/libtorch_cpu.so" "${AUTOMED_LIBTORCH_ROOT}/lib/libc10.so"
    LINK_OPTIONS "-Wl,-rpath-link,${AUTOMED_LIBTORCH_ROOT}/lib" "-Wl,--unresolved-symbols=ignore-in-shared-libs")
  set(${result} ${exported} PARENT_SCOPE)
endfunction()

set(_gloo OFF)
if(NOT AUTOMED_GLOO STREQUAL "OFF")
  automed_check_gloo(_gloo)
  if(NOT _gloo AND AUTOMED_GLOO STREQUAL "ON")
    message(FATAL_ERROR "AUTOMED_GLOO is ON, but LibTorch in ${AUTOMED_LIBTORCH_ROOT} was built without c10d's Gloo, or \
with another interface of it. Use the LibTorch that 'npm run setup' downloads, or AUTOMED_GLOO=OFF.")
  endif()
endif()

set(_nccl OFF)
if(_gloo AND AUTOMED_CUDA AND NOT AUTOMED_NCCL STREQUAL "OFF")
  find_path(AUTOMED_NCCL_INCLUDE nccl.h PATHS "${AUTOMED_LIBTORCH_ROOT}/../nvidia/nccl/include" /usr/local/cuda/include)
  # c10d's header includes CUDA's runtime, which a wheel may hold without its crt/ (nvidia-cuda-crt), and cuBLAS.
  set(_cuda_include "${AUTOMED_LIBTORCH_ROOT}/../nvidia/cu13/include" /usr/local/cuda/include)
  find_path(AUTOMED_CUDA_INCLUDE crt/host_config.h PATHS ${_cuda_include})
  find_path(AUTOMED_CUBLAS_INCLUDE cublas_v2.h PATHS ${_cuda_include})
  if(AUTOMED_NCCL_INCLUDE AND AUTOMED_CUDA_INCLUDE AND AUTOMED_CUBLAS_INCLUDE)
    set(_nccl ON)
  elseif(AUTOMED_NCCL STREQUAL "ON")
    message(FATAL_ERROR "AUTOMED_NCCL is ON, but nccl.h, cublas_v2.h or the headers of CUDA's compiler \
(crt/host_config.h) are nowhere to be found.")
  endif()
endif()

# Adds what the collectives need to the library that holds them.
function(automed_collectives target)
  if(NOT _gloo)
    return()
  endif()
  set(source "${CMAKE_CURRENT_SOURCE_DIR}/src/train/collective_c10d.cpp")
  # Alone, so that nothing else sees the opaque headers.
  set_source_files_properties("${source}" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON SKIP_PRECOMPILE_HEADERS ON
    INCLUDE_DIRECTORIES "${CMAKE_CURRENT_SOURCE_DIR}/opaque")
  target_compile_definitions(${target} PRIVATE AUTOMED_GLOO)
  if(_nccl)
    target_compile_definitions(${target} PRIVATE AUTOMED_NCCL)
    target_include_directories(${target} SYSTEM PRIVATE "${AUTOMED_NCCL_INCLUDE}" "${AUTOMED_CUDA_INCLUDE}"
      "${AUTOMED_CUBLAS_INCLUDE}")
  endif()
endfunction()
message(STATUS "Data-parallel training: Gloo ${_gloo}, NCCL ${_nccl}")

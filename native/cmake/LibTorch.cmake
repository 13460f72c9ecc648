# Finds LibTorch and defines the imported target LibTorch::LibTorch, linking its libraries directly: TorchConfig.cmake
# wants a CUDA toolkit for a CUDA build and adds nothing that is needed here.
#
# Order: LIBTORCH (a folder with include/ and lib/), LIBTORCH_USE_PYTORCH=1 (the torch package of python3),
# the project's own download (native/setup/libtorch.mjs). Environment or -D variables of those names.
# LIBTORCH_BYPASS_VERSION_CHECK=1 accepts a version that the project is not tested with.

set(AUTOMED_LIBTORCH_PINNED "2.13.0")
set(AUTOMED_LIBTORCH_TESTED "2.13.0" "2.14.1") # the CPU wheel and the CUDA wheel

foreach(name LIBTORCH LIBTORCH_USE_PYTORCH LIBTORCH_BYPASS_VERSION_CHECK)
  if(NOT DEFINED ${name} AND DEFINED ENV{${name}})
    set(${name} "$ENV{${name}}")
  endif()
endforeach()

set(_remedies "Remedies: unset LIBTORCH and LIBTORCH_USE_PYTORCH and run 'npm run setup', which downloads LibTorch \
${AUTOMED_LIBTORCH_PINNED}; or set LIBTORCH to a folder that holds include/ and lib/; or install torch for python3 and set LIBTORCH_USE_PYTORCH=1.")

if(LIBTORCH)
  set(_root "${LIBTORCH}")
  set(_origin "LIBTORCH")
elseif(LIBTORCH_USE_PYTORCH)
  execute_process(
    COMMAND python3 -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    OUTPUT_VARIABLE _root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE _python_failed)
  if(_python_failed)
    message(FATAL_ERROR "LIBTORCH_USE_PYTORCH is set, but python3 has no torch package. ${_remedies}")
  endif()
  set(_origin "LIBTORCH_USE_PYTORCH")
else()
  # As native/setup/libtorch.mjs names them.
  if(AUTOMED_CUDA OR (NOT DEFINED AUTOMED_CUDA AND "$ENV{AUTOMED_CUDA}"))
    set(_suffix "-cuda")
  else()
    set(_suffix "")
    set(_own_cpu ON)
  endif()
  foreach(_candidate ${AUTOMED_LIBTORCH_TESTED})
    set(_root "${CMAKE_CURRENT_SOURCE_DIR}/../.libtorch/${_candidate}${_suffix}/torch")
    if(EXISTS "${_root}/lib/libtorch_cpu.so")
      break()
    endif()
  endforeach()
  set(_origin "the project's download")
endif()
file(REAL_PATH "${_root}" _root)
set(AUTOMED_LIBTORCH_ROOT "${_root}")

set(_version_header "${_root}/include/torch/headeronly/version.h")
if(NOT EXISTS "${_version_header}")
  set(_version_header "${_root}/include/torch/csrc/api/include/torch/version.h")
endif()
if(NOT EXISTS "${_version_header}" OR NOT EXISTS "${_root}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "No LibTorch in ${_root} (from ${_origin}). ${_remedies}")
endif()
file(STRINGS "${_version_header}" _version_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH)")
string(REGEX REPLACE "[^0-9]+" "." _version "${_version_lines}")
string(REGEX REPLACE "^\\.|\\.$" "" _version "${_version}")
if(NOT _version IN_LIST AUTOMED_LIBTORCH_TESTED AND NOT LIBTORCH_BYPASS_VERSION_CHECK)
  message(FATAL_ERROR "LibTorch ${_version} in ${_root} (from ${_origin}) is not a version this project is tested with \
(${AUTOMED_LIBTORCH_TESTED}). ${_remedies} LIBTORCH_BYPASS_VERSION_CHECK=1 builds with it all the same.")
endif()

# A CUDA build is linked as one where all its CUDA libraries are there, or AUTOMED_CUDA=1 asks for it; else its CPU half alone,
# which is complete without the other: libc10 and libtorch_cpu. AUTOMED_CUDA=0 always links that.
if(NOT DEFINED AUTOMED_CUDA AND DEFINED ENV{AUTOMED_CUDA})
  set(AUTOMED_CUDA "$ENV{AUTOMED_CUDA}")
endif()
set(_wanted "${AUTOMED_CUDA}")
set(_libraries "${_root}/lib/libc10.so" "${_root}/lib/libtorch_cpu.so")
set(_rpath "${_root}/lib")
set(AUTOMED_CUDA OFF)

# Sonames of CUDA's that the libraries named need and that no folder of `folders` holds.
function(automed_missing_cuda result folders)
  set(missing "")
  foreach(library ${ARGN})
    execute_process(COMMAND "${CMAKE_READELF}" -d "${_root}/lib/${library}" OUTPUT_VARIABLE dynamic ERROR_QUIET)
    string(REGEX MATCHALL "\\(NEEDED\\)[^\n]*\\[[^]\n]+" lines "${dynamic}")
    foreach(line ${lines})
      string(REGEX REPLACE ".*\\[" "" soname "${line}")
      if(soname MATCHES "^lib(cu|nccl|nv)" AND NOT soname MATCHES "^libcuda\\.so")
        unset(_found)
        find_library(_found NAMES "${soname}" PATHS ${folders} NO_DEFAULT_PATH NO_CACHE)
        if(NOT _found)
          list(APPEND missing "${soname}")
        endif()
      endif()
    endforeach()
  endforeach()
  set(${result} "${missing}" PARENT_SCOPE)
endfunction()

if(EXISTS "${_root}/lib/libtorch_cuda.so")
  # The wheel's CUDA libraries are packages of their own beside torch: nvidia/*/lib.
  file(GLOB _cuda_folders LIST_DIRECTORIES true "${_root}/../nvidia/*/lib")
  set(AUTOMED_CUDA_SEARCH /usr/local/cuda/lib64 /usr/local/cuda/lib CACHE STRING "Where a CUDA toolkit keeps its libraries")
  find_library(_cudart NAMES libcudart.so.13 libcudart.so.12 libcudart.so
    PATHS ${_cuda_folders} ${AUTOMED_CUDA_SEARCH} NO_DEFAULT_PATH NO_CACHE)
  set(_holders "${_root}/lib" ${_cuda_folders} ${AUTOMED_CUDA_SEARCH})
  automed_missing_cuda(_cpu_missing "${_holders}" libc10.so libtorch_cpu.so)
  automed_missing_cuda(_cuda_missing "${_holders}" libc10_cuda.so libtorch_cuda.so)
  if(NOT _cudart OR _cpu_missing OR (_cuda_missing AND _wanted))
    message(FATAL_ERROR "LibTorch in ${_root} (from ${_origin}) is a CUDA build, but its CUDA libraries are missing \
(not beside it in nvidia/*/lib nor in ${AUTOMED_CUDA_SEARCH}: libcudart ${_cpu_missing} ${_cuda_missing}). Install the nvidia-* \
packages that the torch wheel names as its requirements into the same folder, or use a CPU build. ${_remedies}")
  endif()
  get_filename_component(_cudart_folder "${_cudart}" DIRECTORY)
  list(APPEND _rpath ${_cuda_folders} "${_cudart_folder}")
  if(_wanted OR ("${_wanted}" STREQUAL "" AND NOT _cuda_missing AND NOT _own_cpu))
    list(APPEND _libraries "${_root}/lib/libc10_cuda.so" "${_root}/lib/libtorch_cuda.so" "${_root}/lib/libtorch.so")
    set(AUTOMED_CUDA ON)
  endif()
else()
  if(_wanted)
    message(FATAL_ERROR "AUTOMED_CUDA is set, but LibTorch in ${_root} (from ${_origin}) is a CPU build. ${_remedies}")
  endif()
  list(APPEND _libraries "${_root}/lib/libtorch.so")
endif()

add_library(LibTorch INTERFACE)
add_library(LibTorch::LibTorch ALIAS LibTorch)
target_include_directories(LibTorch SYSTEM INTERFACE "${_root}/include" "${_root}/include/torch/csrc/api/include")
# --no-as-needed: libtorch registers its operators from libraries that no symbol of ours asks for.
target_link_libraries(LibTorch INTERFACE "-Wl,--no-as-needed" ${_libraries} "-Wl,--as-needed" pthread)
list(REMOVE_DUPLICATES _rpath)
foreach(_folder ${_rpath})
  target_link_options(LibTorch INTERFACE "-Wl,-rpath,${_folder}" "-Wl,-rpath-link,${_folder}")
endforeach()
message(STATUS "LibTorch ${_version} from ${_origin}: ${_root} (CUDA: ${AUTOMED_CUDA})")

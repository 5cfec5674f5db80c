# SPDX-License-Identifier: Apache-2.0
# Compiler flags: warnings are errors, and the hardening a distribution uses.
include(CheckCCompilerFlag)

add_library(gatherd_flags INTERFACE)
target_compile_options(gatherd_flags INTERFACE
    -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
    -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough
    -fno-strict-aliasing -fno-common -fno-omit-frame-pointer)
target_compile_definitions(gatherd_flags INTERFACE _GNU_SOURCE)
target_include_directories(gatherd_flags INTERFACE ${PROJECT_SOURCE_DIR}/service)

if(GATHERD_SANITIZE)
    target_compile_options(gatherd_flags INTERFACE
        -fsanitize=${GATHERD_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(gatherd_flags INTERFACE -fsanitize=${GATHERD_SANITIZE})
else()
    # Sanitizers bring their own checks, and FORTIFY hides accesses from them.
    target_compile_options(gatherd_flags INTERFACE
        -fstack-protector-strong -fstack-clash-protection
        $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection>
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>)
endif()
target_link_options(gatherd_flags INTERFACE
    -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

# Assertions are contracts and stay in every build.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(APPEND CMAKE_C_FLAGS_RELEASE " -g1")

# The program is optimised as a whole: many of its functions are a few instructions long and
# called from other files. The objects are ordinary ones too, and tests are linked of those.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT GATHERD_SANITIZE)
    target_compile_options(gatherd_flags INTERFACE -flto -ffat-lto-objects)
endif()

# Off, every block of libcurl is malloc's: for what watches or fails malloc.
if(NOT GATHERD_POOL)
    target_compile_definitions(gatherd_flags INTERFACE GATHERD_NO_POOL)
endif()

if(GATHERD_COVERAGE)
    target_compile_options(gatherd_flags INTERFACE
        --coverage -O0 -fprofile-update=atomic)
    target_link_options(gatherd_flags INTERFACE --coverage)
endif()

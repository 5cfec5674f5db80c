# SPDX-License-Identifier: Apache-2.0
# The libraries gatherd stands on, with a sentence for each that is missing or too old.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(gatherd_library target module minimum package)
    pkg_check_modules(${target} QUIET IMPORTED_TARGET "${module}>=${minimum}")
    if(NOT ${target}_FOUND)
        pkg_check_modules(${target}_ANY QUIET ${module})
        if(${target}_ANY_FOUND)
            message(FATAL_ERROR "${module} ${${target}_ANY_VERSION} is too old: gatherd needs "
                "${minimum} or newer. ${ARGN}")
        endif()
        message(FATAL_ERROR "${module} was not found: install ${package}, "
            "or run deploy/setup.sh, which installs everything. ${ARGN}")
    endif()
    set(${target}_VERSION ${${target}_VERSION} PARENT_SCOPE)
endfunction()

gatherd_library(CURL libcurl 8.0.0 libcurl4-openssl-dev
    "libcurl before 8.0 hands an unasked second reply on a kept-alive connection to the next \
request, which may be another client's. On Debian 12 a newer one is in bookworm-backports: \
run deploy/setup.sh, or apt-get install libcurl4-openssl-dev/bookworm-backports \
libcurl4/bookworm-backports")
gatherd_library(MHD libmicrohttpd 0.9.75 libmicrohttpd-dev)
gatherd_library(CARES libcares 1.18.0 libc-ares-dev)
gatherd_library(OPENSSL libssl 3.0.0 libssl-dev)
gatherd_library(CRYPTO libcrypto 3.0.0 libssl-dev)
gatherd_library(JANSSON jansson 2.14 libjansson-dev)
gatherd_library(YAML yaml-0.1 0.2.5 libyaml-dev)

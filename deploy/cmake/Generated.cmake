# SPDX-License-Identifier: Apache-2.0
# What the program says of itself, made after it is built and installed beside it: the manual
# pages and the completions of three shells, from the tables of commands and options. A
# sanitized or instrumented build makes none: running it would say nothing new, slowly.
if(GATHERD_SANITIZE OR GATHERD_COVERAGE OR GATHERD_FUZZ OR CMAKE_CROSSCOMPILING)
    return()
endif()

set(made ${CMAKE_CURRENT_BINARY_DIR}/made)
set(made_files ${made}/gatherd ${made}/_gatherd ${made}/gatherd.fish)
file(MAKE_DIRECTORY ${made})

function(gatherd_make name)
    list(JOIN ARGN " " command)
    add_custom_command(OUTPUT ${made}/${name}
        COMMAND sh -c "$<TARGET_FILE:gatherd> ${command} > ${made}/${name}"
        DEPENDS gatherd VERBATIM)
endfunction()
gatherd_make(gatherd completions bash)
gatherd_make(_gatherd completions zsh)
gatherd_make(gatherd.fish completions fish)
install(FILES ${made}/gatherd
    DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions)
install(FILES ${made}/_gatherd DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/zsh/vendor-completions)
install(FILES ${made}/gatherd.fish
    DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/fish/vendor_completions.d)

# scdoc dates its pages: the changelog's day, so that the same source gives the same bytes.
find_program(GATHERD_SCDOC scdoc)
if(GATHERD_SCDOC)
    execute_process(
        COMMAND sh -c "date -d \"$(sed -n 's/^ -- .*>  //p' deploy/debian/changelog | head -n 1)\" +%s"
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE made_day
        OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    foreach(page "gatherd.1 commands" "gatherd.yaml.5 options")
        string(REPLACE " " ";" page "${page}")
        list(GET page 0 name)
        list(GET page 1 what)
        add_custom_command(OUTPUT ${made}/${name}.gz
            COMMAND sh -c "$<TARGET_FILE:gatherd> manual ${what} > ${made}/${name}.scd"
            COMMAND sh -c "SOURCE_DATE_EPOCH=${made_day} ${GATHERD_SCDOC} < ${made}/${name}.scd > ${made}/${name}"
            COMMAND sh -c "gzip -9nc ${made}/${name} > ${made}/${name}.gz"
            DEPENDS gatherd VERBATIM)
        string(REGEX REPLACE ".*\\." "" section ${name})
        install(FILES ${made}/${name}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
        list(APPEND made_files ${made}/${name}.gz)
    endforeach()
else()
    message(STATUS "scdoc is not installed: no manual pages are made")
endif()
add_custom_target(gatherd_made ALL DEPENDS ${made_files})

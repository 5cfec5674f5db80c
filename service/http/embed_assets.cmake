# SPDX-License-Identifier: Apache-2.0
# cmake -DFOLDER=console -DNAMES="a.js b.css" -DGZIP=/usr/bin/gzip -DOUTPUT=console_assets.c -P embed_assets.cmake
# Writes a C file with each file of FOLDER named, its type, its hash, and itself, plain and
# compressed (without a date, so that the same files give the same program).
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

function(write_array name hex)
    string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    file(APPEND "${OUTPUT}" "static const unsigned char ${name}[] = {\n${bytes}};\n")
endfunction()

file(WRITE "${OUTPUT}"
    "/* Made from ${FOLDER}/ by embed_assets.cmake. */\n#include \"http/console_assets.h\"\n\n")
separate_arguments(NAMES UNIX_COMMAND "${NAMES}")
set(number 0)
foreach(name IN LISTS NAMES)
    file(READ "${FOLDER}/${name}" hex HEX)
    write_array(data_${number} "${hex}")
    execute_process(COMMAND ${GZIP} -9nc "${FOLDER}/${name}" OUTPUT_FILE "${OUTPUT}.gz"
        COMMAND_ERROR_IS_FATAL ANY)
    file(READ "${OUTPUT}.gz" hex HEX)
    write_array(gzip_${number} "${hex}")
    file(SHA256 "${FOLDER}/${name}" hash)
    string(SUBSTRING ${hash} 0 32 hash)
    string(REGEX REPLACE ".*\\." "" ending ${name})
    string(APPEND table
        "    {\"${name}\", \"${type_${ending}}\", \"\\\"${hash}\\\"\", \"\\\"${hash}-gzip\\\"\",\n"
        "     data_${number}, sizeof data_${number}, gzip_${number}, sizeof gzip_${number}},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(APPEND "${OUTPUT}"
    "\nconst struct console_asset console_assets[] = {\n${table}};\n"
    "const size_t console_asset_count = ${number};\n")

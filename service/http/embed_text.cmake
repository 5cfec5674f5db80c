# SPDX-License-Identifier: Apache-2.0
# cmake -DINPUT=openapi.yaml -DOUTPUT=openapi_text.c -P embed_text.cmake
# Writes a C file that holds the bytes of INPUT as openapi_text.
file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE "${OUTPUT}"
    "/* Made from openapi.yaml by embed_text.cmake. */\n"
    "#include \"http/openapi_text.h\"\n\n"
    "const char openapi_text[] = {\n${bytes}0};\n"
    "const size_t openapi_text_len = sizeof openapi_text - 1;\n")

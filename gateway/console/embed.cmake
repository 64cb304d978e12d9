# SPDX-License-Identifier: MIT
# Writes the console's FILES into the C table OUT, see gateway/console.h.
#   cmake -D OUT=console_files.c -D "FILES=a.html;b.js" -P embed.cmake

set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS FILES)
    get_filename_component(name "${file}" NAME)
    get_filename_component(type "${file}" LAST_EXT)
    set(path "/${name}")
    if(type STREQUAL ".html")
        string(REGEX REPLACE "\\.html$" "" path "${path}")
        set(content_type "text/html; charset=utf-8")
    elseif(type STREQUAL ".js")
        set(content_type "text/javascript; charset=utf-8")
    elseif(type MATCHES "^\\.(ts|txt)$")
        set(content_type "text/plain; charset=utf-8")
    elseif(type STREQUAL ".css")
        set(content_type "text/css; charset=utf-8")
    else()
        message(FATAL_ERROR "${file}: no content type is known for ${type}")
    endif()
    file(SHA256 "${file}" digest)
    string(SUBSTRING "${digest}" 0 16 digest)
    file(READ "${file}" hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(APPEND arrays "static const unsigned char file_${number}[] = {${bytes}};\n")
    string(APPEND rows "    {\"${path}\", \"${content_type}\", \"\\\"${digest}\\\"\", "
        "(const char *)file_${number}, sizeof(file_${number})},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUT}" "/* Made by embed.cmake. */\n#include \"gateway/console.h\"\n\n${arrays}
const struct console_file console_files[] = {\n${rows}    {NULL, NULL, NULL, NULL, 0},\n};\n")

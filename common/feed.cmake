# SPDX-License-Identifier: MIT
# Writes feed.lua, with each @FEED_…@ as feed.h defines it, into the C file OUT.
#   cmake -D OUT=feed_library.c -P feed.cmake

file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/feed.h defines REGEX "^#define +FEED_[A-Z_]+ +[0-9]+$")
foreach(define IN LISTS defines)
    string(REGEX MATCH "(FEED_[A-Z_]+) +([0-9]+)" all "${define}")
    set(${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
endforeach()
configure_file(${CMAKE_CURRENT_LIST_DIR}/feed.lua ${OUT}.lua @ONLY)
file(READ ${OUT}.lua hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "/* Made by feed.cmake. */\n#include \"common/feed.h\"\n
const char feed_library[] = {${bytes}0};\n")

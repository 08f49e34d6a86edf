# Writes OUT: a C table of the FILES (named relative to ROOT) and their bytes.
file(WRITE ${OUT} "#include \"script/embed.h\"\n\n")
set(table "")
set(index 0)
foreach(path IN LISTS FILES)
    file(READ ${path} hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    file(RELATIVE_PATH name ${ROOT} ${path})
    file(APPEND ${OUT} "static const unsigned char file_${index}[] = {${bytes}0};\n")
    string(APPEND table
        "    {\"${name}\", (const char *)file_${index}, sizeof file_${index} - 1},\n")
    math(EXPR index "${index} + 1")
endforeach()
file(APPEND ${OUT} "\nconst asy_embedded asy_embedded_files[] = {\n${table}    {0, 0, 0}};\n")

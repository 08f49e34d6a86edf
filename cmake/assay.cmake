# The helpers every folder uses, and the flags of the whole program.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

add_library(asy_flags INTERFACE)
target_compile_definitions(asy_flags INTERFACE _GNU_SOURCE
    ASY_VERSION="${PROJECT_VERSION}")
target_compile_options(asy_flags INTERFACE -Wall -Wextra -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -fno-math-errno -ffp-contract=off)
target_include_directories(asy_flags INTERFACE ${PROJECT_SOURCE_DIR}/engine
    ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(asy_flags INTERFACE Threads::Threads)
if(ASSAY_WERROR)
    target_compile_options(asy_flags INTERFACE -Werror)
endif()
if(ASSAY_SANITIZE)
    target_compile_options(asy_flags INTERFACE -fsanitize=${ASSAY_SANITIZE}
        -fno-omit-frame-pointer)
    target_link_options(asy_flags INTERFACE -fsanitize=${ASSAY_SANITIZE})
endif()

# asy_layer(math SOURCES mat.c ... USES base LIBS openblas) builds engine/math as asy_math.
function(asy_layer name)
    cmake_parse_arguments(L "" "" "SOURCES;USES;LIBS" ${ARGN})
    list(TRANSFORM L_USES PREPEND asy_)
    if(NOT L_SOURCES)
        add_library(asy_${name} INTERFACE)
        target_link_libraries(asy_${name} INTERFACE asy_flags ${L_USES})
        return()
    endif()
    add_library(asy_${name} STATIC ${L_SOURCES})
    set_target_properties(asy_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(asy_${name} PUBLIC asy_flags ${L_USES} PRIVATE ${L_LIBS})
endfunction()

# The layers that start threads; the preset `tsan` builds and runs their tests only.
set(asy_threaded base store net lab)
add_custom_target(tsan_tests)

# asy_test(math mat) builds tests/math/test_mat.c and runs it as "math.mat".
function(asy_test layer name)
    add_executable(test_${layer}_${name} test_${name}.c)
    target_include_directories(test_${layer}_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(test_${layer}_${name} PRIVATE asy_${layer} cmocka m)
    target_compile_definitions(test_${layer}_${name} PRIVATE
        ASY_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME ${layer}.${name} COMMAND test_${layer}_${name})
    set_tests_properties(${layer}.${name} PROPERTIES TIMEOUT 120)
    if(layer IN_LIST asy_threaded)
        set_tests_properties(${layer}.${name} PROPERTIES LABELS tsan)
        add_dependencies(tsan_tests test_${layer}_${name})
    endif()
endfunction()

# asy_bench(kernels math) builds bench/bench_kernels.c; it is never part of the tests.
function(asy_bench name layer)
    add_executable(bench_${name} bench_${name}.c)
    target_link_libraries(bench_${name} PRIVATE asy_${layer} m)
endfunction()

# asy_embed(target lua/assay/space.lua ...) makes the files readable at run time through
# the generated table in embed.c (see engine/script/embed.h).
function(asy_embed target)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/embed.c)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DROOT=${PROJECT_SOURCE_DIR}
            "-DFILES=${ARGN}" -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${ARGN} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
    target_sources(${target} PRIVATE ${out})
endfunction()

# ORRERY_BUILD: the commit that is configured, for `orrery --version` and recordings; "unknown" outside a checkout. It
# is a definition of one source file: a configuration of another commit compiles that one again, and no other.
set(ORRERY_BUILD unknown)
find_package(Git QUIET)
# Not the commit of some other project that this source lies within.
if(GIT_FOUND AND EXISTS ${CMAKE_SOURCE_DIR}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --tags WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(ORRERY_BUILD ${described})
  endif()
endif()

# SPDX-License-Identifier: Apache-2.0
# What is installed beside the binary, and the Debian package made of it:
#   cmake --build --preset release && (cd build/release && cpack -G DEB)
set(gatherd_doc ${CMAKE_INSTALL_DATAROOTDIR}/doc/gatherd)
set(gatherd_gz ${CMAKE_CURRENT_BINARY_DIR}/gz)

# Debian wants the changelog compressed, and the same bytes on every build.
function(gatherd_gzip source name)
    file(MAKE_DIRECTORY ${gatherd_gz})
    execute_process(COMMAND gzip -9nc ${source} OUTPUT_FILE ${gatherd_gz}/${name}
        COMMAND_ERROR_IS_FATAL ANY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
endfunction()
gatherd_gzip(${PROJECT_SOURCE_DIR}/deploy/debian/changelog changelog.gz)
include(${PROJECT_SOURCE_DIR}/deploy/cmake/Generated.cmake)

# Configuration and unit depend on the prefix chosen when installing.
install(CODE "set(gatherd_source \"${PROJECT_SOURCE_DIR}\")
set(gatherd_scratch \"${CMAKE_CURRENT_BINARY_DIR}\")")
install(SCRIPT ${PROJECT_SOURCE_DIR}/deploy/cmake/InstallService.cmake)
install(FILES ${PROJECT_SOURCE_DIR}/config/gatherd.schema.json
    DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/gatherd)
install(FILES ${PROJECT_SOURCE_DIR}/config/production.yaml
    ${PROJECT_SOURCE_DIR}/config/quickstart.yaml ${PROJECT_SOURCE_DIR}/config/container.yaml
    DESTINATION ${gatherd_doc}/examples)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/SECURITY.md
    ${PROJECT_SOURCE_DIR}/openapi.yaml
    ${PROJECT_SOURCE_DIR}/deploy/debian/copyright ${gatherd_gz}/changelog.gz
    DESTINATION ${gatherd_doc})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION ${gatherd_doc})

set(CPACK_PACKAGE_NAME gatherd)
set(CPACK_PACKAGE_VENDOR gatherd)
set(CPACK_PACKAGE_CONTACT "gatherd maintainers <gatherd@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "HTTP fan-out gateway")
set(CPACK_PACKAGE_DESCRIPTION
"gatherd takes one HTTP request with a batch of URLs, fetches them all at once
and answers with one JSON document: one response for each request, in order,
before the batch's deadline.
.
It refuses private addresses unless told otherwise, bounds every queue, buffer
and wait, and is watched through Prometheus metrics and structured logs.")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION ${CPACK_PACKAGE_DESCRIPTION})
set(CPACK_DEBIAN_PACKAGE_SECTION web)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The symbols would be content with a libcurl that gatherd refuses to start with.
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "ca-certificates, libcurl4t64 (>= 8.0) | libcurl4 (>= 8.0)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/deploy/debian/conffiles ${PROJECT_SOURCE_DIR}/deploy/debian/postinst
    ${PROJECT_SOURCE_DIR}/deploy/debian/prerm ${PROJECT_SOURCE_DIR}/deploy/debian/postrm)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_GENERATOR DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
include(CPack)

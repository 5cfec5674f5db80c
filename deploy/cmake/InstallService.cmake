# SPDX-License-Identifier: Apache-2.0
# Runs while installing: the unit names the binary where it is installed, and the
# configuration goes where the binary looks for it. An edited one is left alone.
if(CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?/?$")
    set(configuration /etc/gatherd)
else()
    set(configuration ${CMAKE_INSTALL_PREFIX}/etc/gatherd)
endif()

file(READ ${gatherd_source}/deploy/gatherd.service unit)
string(REPLACE /usr/bin/gatherd ${CMAKE_INSTALL_PREFIX}/bin/gatherd unit "${unit}")
string(REPLACE /etc/gatherd/ ${configuration}/ unit "${unit}")
file(WRITE ${gatherd_scratch}/gatherd.service "${unit}")
file(INSTALL ${gatherd_scratch}/gatherd.service ${gatherd_source}/deploy/gatherd.socket
    DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)

set(installed $ENV{DESTDIR}${configuration}/gatherd.yaml)
if(EXISTS ${installed})
    message(STATUS "Left as it is: ${installed}")
else()
    file(INSTALL ${gatherd_source}/config/gatherd.yaml DESTINATION ${configuration})
endif()

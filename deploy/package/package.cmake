# SPDX-License-Identifier: MIT
# A package for Debian and what is made of it:  cmake --workflow --preset package
install(FILES deploy/package/gateway.env deploy/package/feeder.env
    DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/chronogate
    PERMISSIONS OWNER_READ OWNER_WRITE) # they may hold Redis's password; systemd reads them as root
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(FILES deploy/haproxy.cfg deploy/redis.conf
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES deploy/monitoring/rules.yml deploy/monitoring/dashboard.json
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON) # /etc is not below the prefix
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "ChronoGate <chronogate@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "gateways for live market data over WebSocket")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Feeders publish ticks and bars to Redis; stateless gateways hand them to any number of
WebSocket clients. Add gateways, kill them, restart them: no client loses a message.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, tzdata")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "redis-server, haproxy, prometheus")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${CMAKE_SOURCE_DIR}/deploy/package/conffiles;${CMAKE_SOURCE_DIR}/deploy/package/postinst"
    "${CMAKE_SOURCE_DIR}/deploy/package/prerm;${CMAKE_SOURCE_DIR}/deploy/package/postrm")
include(CPack)

# Images that stand in for the official ones where no registry can be reached; a target for each.
FROM debian:trixie-slim AS packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends redis-server redis-tools haproxy prometheus

FROM packages AS redis
WORKDIR /data
CMD ["redis-server"]

FROM packages AS haproxy
USER haproxy
STOPSIGNAL SIGUSR1
CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]

FROM packages AS prometheus
USER nobody
ENTRYPOINT ["prometheus"]

# Stands in for the official image of Prometheus where no registry can be reached.
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends prometheus
USER nobody
ENTRYPOINT ["prometheus"]

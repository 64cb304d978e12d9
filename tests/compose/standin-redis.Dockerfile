# Stands in for the official image of Redis where no registry can be reached.
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends redis-server redis-tools
WORKDIR /data
CMD ["redis-server"]

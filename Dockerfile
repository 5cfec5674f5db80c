# SPDX-License-Identifier: Apache-2.0
#
# The image: gatherd, the libraries it is linked to and a configuration, on Debian 13.
# It runs as nobody in particular (65532), needs no writable file system and no
# capability:
#
#   docker build -t gatherd .
#   docker run --read-only --cap-drop ALL -p 127.0.0.1:8080:8080 gatherd
#
# Its configuration is config/container.yaml; mount your own over
# /etc/gatherd/gatherd.yaml.

FROM debian:trixie-slim AS build
WORKDIR /src
COPY deploy/setup.sh deploy/setup.sh
RUN deploy/setup.sh --build
COPY . .
RUN cmake --preset release -DGATHERD_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr \
    && cmake --build --preset release \
    && DESTDIR=/stage cmake --install build/release --strip \
    && install -D -m 644 config/container.yaml /stage/etc/gatherd/gatherd.yaml

FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libcares2 \
        libcurl4t64 libjansson4 libmicrohttpd12t64 libseccomp2 libssl3t64 libyaml-0-2 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
    && echo 'gatherd:x:65532:65532:gatherd:/nonexistent:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'gatherd:x:65532:' >> /etc/group
COPY --from=build /stage/usr/bin/gatherd /usr/bin/gatherd
COPY --from=build /stage/etc/gatherd/gatherd.yaml /etc/gatherd/gatherd.yaml
COPY LICENSE /usr/share/doc/gatherd/copyright
USER 65532:65532
# 8080 serves batches; 8090 serves /metrics and /readyz to whoever runs it.
EXPOSE 8080 8090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["gatherd", "health", "--config", "/etc/gatherd/gatherd.yaml"]
ENTRYPOINT ["gatherd"]
CMD ["serve", "--config", "/etc/gatherd/gatherd.yaml"]

# syntax=docker/dockerfile:1
# icescope as one static binary in an empty image. STUN must see the clients' own addresses, so run it in the host's network:
#   docker run --network host icescope

FROM node:22-bookworm-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM golang:1.26-bookworm AS binary
ARG VERSION=docker
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=page /src/web/dist ./web/dist
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /icescope ./cmd/icescope \
 && install -d -m 0700 -o 65532 -g 65532 /data

FROM scratch
COPY --from=binary /icescope /icescope
# The certificate and the finished reports are kept here; mount a volume to keep them over restarts.
COPY --from=binary --chown=65532:65532 /data /data
# A number, since there is no /etc/passwd; 65532 is what distroless images call nonroot. No port below 1024 is needed.
USER 65532:65532
EXPOSE 8080/tcp 8443/tcp 3478/udp 3478/tcp 3479/udp 3479/tcp
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s CMD ["/icescope", "health"]
ENTRYPOINT ["/icescope"]
CMD ["serve", "--no-qr", "--tls-dir", "/data", "--data", "/data"]

# Builds Doorward and puts the binary, with the sample site, into a small image.
FROM rust:1-bookworm AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --locked --release -p doorward && mkdir /empty

FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="Doorward" \
      org.opencontainers.image.description="An authentication gateway in front of existing web sites" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /src/target/release/doorward /doorward
COPY --from=build /src/protected/site /protected/site
# A volume takes the owner of what it is mounted on.
COPY --from=build --chown=nonroot:nonroot /empty /data
WORKDIR /
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/doorward"]

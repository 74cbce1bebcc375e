# A stand-in for the public image where none can be pulled: Debian's
# PostgreSQL, started by the same command, with the same configuration, as the same user.
FROM docker.io/library/debian:bookworm-slim
# Without the compiler of queries, which servers/postgresql.conf has off, and which is half of it.
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-15 > /dev/null \
  && apt-get clean \
  && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/15 /usr/share/doc /usr/share/man /usr/share/locale \
    /usr/lib/*/libLLVM* /usr/lib/postgresql/15/lib/bitcode /usr/lib/postgresql/15/lib/llvmjit*
RUN for program in /usr/lib/postgresql/15/bin/*; do ln -sf "$program" /usr/local/bin/; done
RUN groupadd -g 70 standin && useradd -u 70 -g 70 -M -d /var/lib/postgresql standin
USER 70:70

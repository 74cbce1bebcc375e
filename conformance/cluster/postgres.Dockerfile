# A stand-in for the public image where none can be pulled: the same programs, started by the same command, as the same user.
FROM docker.io/library/debian:bookworm-slim
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-15 > /dev/null \
  && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/15 \
  && ln -s /usr/lib/postgresql/15/bin/* /usr/local/bin/ 2> /dev/null || true
RUN groupadd -g 70 standin && useradd -u 70 -g 70 -M -d /var/lib/postgresql standin
USER 70:70

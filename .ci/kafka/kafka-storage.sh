#!/bin/sh
# Formats Kafka's data folder as the script of this name in a release does: kafka-storage.sh format --cluster-id ID --config FILE
libs=$(dirname "$(readlink -f "$0")")/../kafka/libs
# shellcheck disable=SC2086 # several options each
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC ${KAFKA_LOG4J_OPTS:-} -cp "$libs/*" kafka.tools.StorageTool "$@"

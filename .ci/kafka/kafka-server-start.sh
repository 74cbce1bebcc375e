#!/bin/sh
# Starts Kafka's broker as the script of this name in a release does: kafka-server-start.sh server.properties
libs=$(dirname "$(readlink -f "$0")")/../kafka/libs
export KAFKA_HEAP_OPTS="${KAFKA_HEAP_OPTS:--Xmx1G -Xms1G}"
# shellcheck disable=SC2086 # several options each
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" $KAFKA_HEAP_OPTS ${KAFKA_JVM_PERFORMANCE_OPTS:--server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -Djava.awt.headless=true} \
  ${KAFKA_LOG4J_OPTS:-} ${KAFKA_OPTS:-} -cp "$libs/*" kafka.Kafka "$@"

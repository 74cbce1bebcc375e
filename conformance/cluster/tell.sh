#!/usr/bin/env bash
# What a cluster can tell of a failure: its pods, what Kubernetes warned of, what the services did, and what proxies answered
# themselves, which they mark by flags (UH: no pod is ready; UF, UC: no connection, or it broke).
set -uo pipefail
kubectl get pods --all-namespaces
kubectl get events --namespace shop --field-selector type=Warning --sort-by .lastTimestamp | tail -15
for pod in $(kubectl get pods --namespace shop --output name); do
  kubectl logs --namespace shop "$pod" --tail=500 2> /dev/null \
    | grep -E '"level":"(warn|error)"' | tail -4 | cut -c1-400 | sed "s|^|$pod |"
  kubectl logs --namespace shop "$pod" --container istio-proxy --tail=-1 2> /dev/null \
    | grep -E '" [0-9]+ [A-Z]+(,[A-Z]+)* ' | grep -vE '" [0-9]+ DC ' | tail -5 | cut -c1-300 | sed "s|^|$pod |"
done

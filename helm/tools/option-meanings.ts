/** What may be said of a service, for people: `values.schema.json` has it below `defaults`. */
export const optionMeanings = {
  enabled: 'Of services.<name>: false leaves the service out, for a release of its own.',
  replicas: 'Pods, where no autoscaler counts them. Default: 1.',
  image: "Laid over the release's image. A tag that is said here wins over a digest that is said there.",
  settings: "Settings of the service's manifest, by their names there.",
  command: 'In place of node and the program, for a service in another language; serve NAME comes after it.',
  logLevel: 'The least that is logged.',
  resources:
    "In place of what follows from the manifest: memory asked for and its limit, CPU asked for, and V8's own bound.",
  drain:
    'How a pod ends, step by step. terminationGracePeriodSeconds must be at least the sum of the others.',
  autoscaling:
    "How many pods by load: as many as the manifest's scale allows, or minReplicas to maxReplicas. metrics and behavior replace what the chart says to Kubernetes.",
  podDisruptionBudget: 'Keeps all but maxUnavailable of several pods through a drain of nodes.',
  topologySpread: 'Spreads pods over zones and nodes, as far as there are some.',
  canary:
    'A second Deployment with an image of its own. Under Istio weight is its share of calls in percent, and a call of another service with the header x-canary: always goes there in any case.',
  existingSecret: "Name of the service's Secret, in place of secrets.nameFormat.",
  extraEnv: 'More variables of the container, as Kubernetes takes them.',
  extraVolumes: 'More volumes of the pod, as Kubernetes takes them.',
  extraVolumeMounts: 'Where the container has those volumes.',
  podAnnotations: 'More annotations of the pods.',
  podLabels: 'More labels of the pods.',
  serviceAccountAnnotations: 'Annotations of the service account, as clouds want them for identities.',
  nodeSelector: 'Labels of the nodes where pods may run.',
  tolerations: 'Taints of nodes that the pods bear, as Kubernetes takes them.',
  affinity: 'Near what or far from what pods run, as Kubernetes takes it.',
  priorityClassName: 'Which pods go first when a node is full.',
  userId: 'User and group of the pod; its files and Secrets are readable by the group.',
} as const;

export type ServiceOption = keyof typeof optionMeanings;

{{/* Names. */}}
{{- define "automed.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- else -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{- end -}}
{{- end }}

{{- define "automed.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "automed.fullname" .) }}
{{- end }}

{{- define "automed.claim" -}}
{{ .Values.store.existingClaim | default (printf "%s-store" (include "automed.fullname" .)) }}
{{- end }}

{{/* dict "root" $ "component" NAME */}}
{{- define "automed.selector" -}}
app.kubernetes.io/name: automed
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "automed.labels" -}}
{{ include "automed.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* dict "root" $ "image" .Values.image.NAME */}}
{{- define "automed.image" -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/* What every program is told. dict "root" $ "port" N */}}
{{- define "automed.commonEnv" -}}
- { name: AUTOMED_ADDRESS, value: '0.0.0.0:{{ .port }}' }
- { name: AUTOMED_METRICS_ADDRESS, value: '0.0.0.0:9464' }
- { name: AUTOMED_HEALTH_ADDRESS, value: '0.0.0.0:50060' }
- { name: AUTOMED_INSECURE, value: {{ .root.Values.insecure | quote }} }
- { name: AUTOMED_LOG_LEVEL, value: {{ .root.Values.logLevel | quote }} }
{{- with .root.Values.tracing }}
{{- if .url }}
- { name: AUTOMED_TRACES_URL, value: {{ .url | quote }} }
- { name: AUTOMED_TRACES_RATIO, value: {{ .ratio | quote }} }
{{- end }}
{{- end }}
- { name: AUTOMED_SHUTDOWN_TIMEOUT_MS, value: '{{ mul (int64 .root.Values.drainSeconds) 1000 }}' }
{{- end }}

{{/* Mutual TLS of a service with the gateway. */}}
{{- define "automed.serviceTlsEnv" -}}
{{- if .Values.tls.internalSecret }}
- { name: AUTOMED_TLS_CERT_FILE, value: /etc/automed/internal/tls.crt }
- { name: AUTOMED_TLS_KEY_FILE, value: /etc/automed/internal/tls.key }
- { name: AUTOMED_TLS_CLIENT_CA_FILE, value: /etc/automed/internal/ca.crt }
{{- end }}
{{- end }}

{{- define "automed.internalMount" -}}
{{- if .Values.tls.internalSecret }}
- { name: internal-tls, mountPath: /etc/automed/internal, readOnly: true }
{{- end }}
{{- end }}

{{- define "automed.internalVolume" -}}
{{- if .Values.tls.internalSecret }}
- name: internal-tls
  secret: { secretName: {{ .Values.tls.internalSecret }}, defaultMode: 0440 }
{{- end }}
{{- end }}

{{/* Protocol of a port, by whether it speaks TLS. */}}
{{- define "automed.appProtocol" -}}
{{ . | ternary "https" "kubernetes.io/h2c" }}
{{- end }}

{{- define "automed.objectStoreEnv" -}}
{{- with .Values.store.s3 }}
{{- if .location }}
- { name: AUTOMED_MODEL_STORE, value: {{ .location | quote }} }
- { name: AUTOMED_MODEL_CACHE_BYTES, value: '{{ int64 .cacheBytes }}' }
- { name: AWS_REGION, value: {{ .region | quote }} }
{{- with .endpoint }}
- { name: AWS_ENDPOINT_URL_S3, value: {{ . | quote }} }
{{- end }}
{{- with .existingSecret }}
{{- range $key := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ $key }}
  valueFrom: { secretKeyRef: { name: {{ $.Values.store.s3.existingSecret }}, key: {{ $key }} } }
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "automed.extraEnv" -}}
{{- range $name, $value := . }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end }}

{{- define "automed.ports" -}}
- { name: grpc, containerPort: {{ . }} }
- { name: metrics, containerPort: 9464 }
- { name: health, containerPort: 50060 }
{{- end }}

{{/* Probes ask the plaintext health port: the kubelet's gRPC probes know no TLS. Only an answer counts as alive, so that a
     gateway whose backends are away is not restarted for it. dict "startup" SECONDS "ready" NAME, default the whole program */}}
{{- define "automed.probes" -}}
startupProbe:
  grpc: { port: 50060, service: liveness }
  periodSeconds: 2
  failureThreshold: {{ div (add (int64 .startup) 1) 2 }}
readinessProbe:
  grpc: { port: 50060{{ with .ready }}, service: {{ . }}{{ end }} }
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 3
livenessProbe:
  grpc: { port: 50060, service: liveness }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{- define "automed.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* dict "root" $ "pod" .Values.NAME "component" NAME */}}
{{- define "automed.podSpec" -}}
serviceAccountName: {{ include "automed.serviceAccount" .root }}
automountServiceAccountToken: {{ and (eq .component "training") (eq .root.Values.training.launcher "kubernetes") }}
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ int64 .root.Values.userId }}
  runAsGroup: {{ int64 .root.Values.userId }}
  fsGroup: {{ int64 .root.Values.userId }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
# Longer than the drain and the pause before it.
terminationGracePeriodSeconds: {{ add (int64 .root.Values.drainSeconds) 15 }}
{{- with .pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .pod.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "automed.selector" . | nindent 8 }}
{{- end }}

{{/* Endpoints forget a pod while it still takes calls: it waits before it stops to listen. */}}
{{- define "automed.lifecycle" -}}
lifecycle:
  preStop:
    exec: { command: [sleep, '5'] }
{{- end }}

{{/* resources, with GPUs: dict "pod" .Values.NAME */}}
{{- define "automed.resources" -}}
{{- $resources := deepCopy .resources -}}
{{- if .gpu.enabled -}}
{{- $_ := set $resources.limits .gpu.resource (int64 .gpu.count) -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end }}

{{/* Deployments of inference: a list of role -> what the component is called. */}}
{{- define "automed.inferenceComponents" -}}
{{- if eq .Values.inference.mode "together" -}}
inference: segmentation,classification
{{- else -}}
segmentation: segmentation
classification: classification
{{- end -}}
{{- end }}

{{/* Gateways that share the limits of the policy: as many as there may be, so that all together never grant more. */}}
{{- define "automed.limitShares" -}}
{{- $gateway := .Values.gateway -}}
{{- $most := ternary $gateway.autoscaling.maxReplicas $gateway.replicas $gateway.autoscaling.enabled -}}
{{- max 1 (int64 $most) -}}
{{- end }}

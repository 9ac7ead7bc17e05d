// model: what the mesh is, as immutable types and pure functions. No I/O, no Kubernetes types, no sockets.
// translate/ produces `Mesh` parts from objects; resolve/ reads a Mesh and produces resources; discovery/ carries
// resources to proxies; cluster/ and proxy/ build running objects from them.

export {
  canonicalAddress,
  formatAddress,
  type HostPort,
  isIpAddress,
  isIpv6,
  parseHostPort,
} from './address.ts';
export type {
  ExternalAuthorizer,
  JwtProvider,
  JwtRule,
  RequestAuthenticationPolicy,
  VerifiedToken,
} from './authentication.ts';
export {
  type AuthorizationAction,
  type AuthorizationAttribute,
  type AuthorizationPolicy,
  type AuthorizationRule,
  type AuthorizationTest,
  type AuthorizationTests,
  CONNECTION_ATTRIBUTES,
  type DenialAnswer,
  type GatewayTarget,
  REQUEST_ATTRIBUTES,
  type ValueMatch,
  type WorkloadAuthorization,
} from './authorization.ts';
export { type BackendTls, backendTlsOf, type ExpectedName, type UpstreamCredential } from './backend-tls.ts';
export {
  ACME_CHALLENGES,
  type AcmeChallengeKind,
  CERTIFICATE_KEY_TYPES,
  type CertificateIssuer,
  type CertificateKeyType,
  CHALLENGES_SECRET,
  ISSUED_MARKS,
  ISSUER_ANNOTATION,
  type IssuedCertificate,
  issuerKey,
  type ServedChallenge,
  type ServedChallenges,
} from './certificate-issuer.ts';
export { parseDurationMs } from './duration.ts';
export type {
  AddressRules,
  AnswerRate,
  AnswerRewrites,
  AuthRequest,
  BasicAuth,
  BasicCredential,
  BodyLimits,
  ClientCertificates,
  ClientConnections,
  ClientKey,
  ClientLimit,
  Compression,
  EdgePolicy,
  ErrorPage,
  FieldLimits,
  Hsts,
  HttpsRedirect,
  Replacement,
  ShownCertificate,
  UrlRedirect,
} from './edge.ts';
export { equal } from './equal.ts';
export { fact } from './fact.ts';
export type { BundleEndpoint, FederatedDomain } from './federation.ts';
export { forbiddenAddress, forbiddenHost } from './forbidden-address.ts';
export {
  type AdmittedClients,
  type AllowedRoutes,
  type AttachedKind,
  attachedHost,
  BACKEND_SECRETS,
  type ClientValidation,
  type Credential,
  type CredentialGrant,
  type CredentialRef,
  commonHost,
  coversHost,
  credentialKey,
  DEPLOY_ANNOTATION,
  type FrontendValidation,
  GATEWAY_CLASS,
  GATEWAY_CONTROLLER,
  GATEWAY_NAME_LABEL,
  GATEWAY_SETTINGS_KEY,
  type Gateway,
  type GatewayAttachment,
  type GatewayClass,
  type GatewayHost,
  type GatewayInfrastructure,
  type GatewayListener,
  type GatewayPorts,
  gatewayName,
  HAPROXY_PREFIXES,
  INGRESS_CONTROLLER,
  INGRESS_SECRETS,
  isOurs,
  kindsOf,
  LISTENER_PROTOCOLS,
  type ListenerOptions,
  type ListenerProtocol,
  type ListenerSet,
  type ListenerTls,
  listenerSetKey,
  mayName,
  PART_OF,
  type ParametersRef,
  parentKey,
  type RequestedAddress,
  type SelectedGateway,
  type ServedIngress,
  type TlsVersion,
  type TrustedHops,
  validationAt,
} from './gateway.ts';
export {
  type Attachments,
  allowedKinds,
  attachedTo,
  type ConflictReason,
  type JoinedListener,
  joinedListeners,
  NAMESPACE_NAME_LABEL,
  type Namespace,
  type NotAttached,
  servedObjects,
} from './gateway-attachment.ts';
export {
  askedKind,
  type CertificateFiles,
  certificateKey,
  fileCertificateKey,
  gatewayKey,
  isGatewayKey,
  listenerId,
  ownCertificateKey,
  type ParsedCertificateKey,
  parseCertificateKey,
  parseFileCertificateKey,
  parseGatewayKey,
  parseVirtualHostKey,
  type VirtualHost,
  virtualHostKey,
} from './gateway-keys.ts';
export {
  formatSpiffe,
  type Identity,
  isSameWorkload,
  isSpiffeId,
  isTrustDomain,
  parseSpiffe,
  trustDomainOf,
} from './identity.ts';
export { fieldsRef, INGRESS_FIELDS } from './ingress-fields.ts';
export { type LabelTest, labelSelector } from './label-selector.ts';
export { type LabelSelector, type Labels, matchesLabels } from './labels.ts';
export {
  type MachineCheck,
  type MachineClaim,
  type MachineGroup,
  type MachineProbe,
  machineClaimFault,
  machineEntryName,
  machineName,
} from './machine.ts';
export { type AddressRange, emptyMesh, type Mesh } from './mesh.ts';
export { nameKey, parseNameKey } from './name-key.ts';
export { formatRef, type ObjectRef } from './object-ref.ts';
export { isPasswordHash } from './password-hash.ts';
export {
  DEFAULT_PATH_NORMALIZATION,
  PATH_NORMALIZATIONS,
  type PathNormalization,
} from './path-normalization.ts';
export { hasSettings, type MtlsMode, type PeerPolicy, type TrafficPolicy } from './policy.ts';
export {
  POLICY_KINDS,
  type PolicyKind,
  type PolicyKinds,
  type PolicyMaps,
  type PolicyRow,
} from './policy-kinds.ts';
export { isPrime } from './prime.ts';
export { type Problem, problem, type Severity } from './problem.ts';
export {
  coresText,
  mebibytesText,
  type ProxySize,
  proposedSize,
  type UsedByProxies,
} from './proxy-size.ts';
export { parseQuantity } from './quantity.ts';
export { bitsOf, isInRange } from './ranges.ts';
export { regexProblem } from './regex.ts';
export type {
  CallerMatch,
  ClaimMatch,
  NamedMatch,
  PathMatch,
  RequestMatch,
  TextMatch,
} from './request-match.ts';
export {
  type ConsideredEndpoint,
  type ConsideredEndpoints,
  type KeptFor,
  MAX_CONSIDERED,
  type MirrorRecord,
  type ProxyRecord,
  type ProxyRecords,
  type RecordedState,
  type RecordedTry,
  type RecordQuery,
  type RefusalRecord,
  type RequestRecord,
  type SessionRecord,
} from './request-record.ts';
export { requestWords } from './request-words.ts';
export {
  type BoundListener,
  type BoundTls,
  type CertificateResource,
  type ClusterConfig,
  type ClusterEndpoint,
  type DestinationResource,
  type EndpointsResource,
  type FederatedRoots,
  type GatewayPolicies,
  type GatewayResource,
  type InboundPort,
  type InboundResource,
  type InboundRoute,
  type NameResource,
  type Peer,
  RESOURCE_KINDS,
  type Resource,
  type ResourceKind,
  type Revocation,
  type TrustResource,
  type UpstreamTls,
  unknownKind,
} from './resource.ts';
export {
  abortWords,
  type CopyForm,
  type CorsPolicy,
  DEFAULT_RETRY,
  DEFAULT_STREAM_IDLE_TIMEOUT_MS,
  type FaultAbort,
  type FaultInjection,
  type Forward,
  GRPC_RETRY_CONDITIONS,
  type HeaderEdits,
  isGrpcCondition,
  type Mirror,
  NO_ROUTE,
  type PathRewrite,
  type RateLimit,
  RETRY_CONDITIONS,
  type Redirect,
  type Respond,
  type ResponseClass,
  type RetryCondition,
  type RetryPolicy,
  type Route,
  type RouteAction,
  type ShareWork,
  type StickySession,
  saysMore,
  type TokenBucket,
  UNTOUCHABLE_HEADERS,
  type WeightedCluster,
} from './route.ts';
export {
  type EgressScope,
  type ExternalService,
  type ForwardTo,
  type InboundRateLimit,
  mirrorsOf,
  ROUTE_RANKS,
  type RouteRule,
  type RouteTable,
  type RouteTarget,
  type RuleMatch,
  type RuleMirror,
  type Subset,
  type TcpRule,
} from './routing.ts';
export {
  type AuthorizedTarget,
  type ClientAuthentication,
  INBOUND_ACCESS,
  type InboundAccess,
  type NamespaceAccess,
  type PolicyServer,
  type Requirement,
  type ServerAuthorization,
  type ServerPolicy,
  type ServerRoute,
  type ServerRouteKey,
  type ServerRouteMatch,
} from './server-policy.ts';
export type { Endpoint, ExternalSettings, Protocol, Service, ServicePort } from './service.ts';
export { ShardedMap } from './sharded-map.ts';
export { shellText, shellWord } from './shell-text.ts';
export { addressKey, objectKey, type Site, selectorKey } from './site.ts';
export {
  type AccessLogSettings,
  type Collector,
  type CustomTag,
  DEFAULT_MESH_TELEMETRY,
  DEFAULT_REDACTION,
  type DirectionTelemetry,
  ISTIO_METRICS,
  type IstioMetric,
  type JsonFields,
  type LogFormat,
  type LogProvider,
  type MeshTelemetry,
  type MetricSettings,
  type MetricTag,
  type Redaction,
  type TelemetryMode,
  type TelemetryPolicy,
  type TelemetrySettings,
  type TracingProvider,
  type TracingSettings,
} from './telemetry.ts';
export {
  type AdaptiveConcurrency,
  type BalancerSettings,
  type ConnectionLimits,
  DEFAULT_TCP_TRAFFIC,
  DEFAULT_TRAFFIC,
  type EjectionTrial,
  type HashSource,
  type Http2Keepalive,
  type Http2Settings,
  type LocalitySettings,
  type NamedCredential,
  type OriginatedTls,
  type OutlierSettings,
  type RetryBudget,
  type TcpKeepalive,
  type TrafficSettings,
} from './traffic.ts';
export type {
  ConsulDiscovery,
  DnsDiscovery,
  HealthCheck,
  KubernetesDiscovery,
  UpstreamDiscovery,
  UpstreamSettings,
  UpstreamTarget,
} from './upstream.ts';
export {
  type EndedContainer,
  type InboundBypass,
  interceptsPort,
  type Node,
  type Workload,
  type WorkloadPort,
} from './workload.ts';

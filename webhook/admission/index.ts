// admission: the server that the API server asks about every pod of a labelled namespace. In: AdmissionReviews over HTTPS, and,
// through narrow interfaces, namespaces, owners, a certificate, settings. Out: JSON patches, reasons, events, counts.
//
//   server.ts       HTTPS, limits, refusals            → answer.ts   looks up what surrounds the pod
//   review.ts       the envelope, read and written     → admit.ts    pure: the answer, by way of inject()
//   events.ts       reasons for the pod's author       → ca-bundle.ts  keeps the caBundle of the configuration right

export { type Admission, admit, controllerOf, type Surroundings } from './admit.ts';
export {
  type CaBundleKeeper,
  type CaBundleOptions,
  type CaBundleState,
  keepCaBundle,
} from './ca-bundle.ts';
export {
  type ConfigurationChoice,
  webhookConfiguration,
} from './configuration.ts';
export { ENTRY_SUFFIX, type EntriesChoice, webhookEntries } from './entries.ts';
export {
  apiEventSink,
  EventReporter,
  type EventReporterOptions,
  type EventSink,
  type MeshEvent,
} from './events.ts';
export {
  answerMessage,
  type KubeAnswer,
  type KubeApi,
  type KubeCall,
  type KubeClientLike,
  kubeApiOf,
  METADATA_ONLY,
} from './kube-api.ts';
export { namespaceLookup, ownerLookup } from './lookups.ts';
export type {
  CertificateSource,
  Namespaces,
  Owner,
  OwnerRef,
  Owners,
  RunningWebhook,
  ServerCertificate,
  WebhookLog,
  WebhookObserver,
  WebhookOptions,
  WebhookSettings,
} from './options.ts';
export { WEBHOOK_PATHS } from './paths.ts';
export { type AdmissionAnswer, type AdmissionRequest, readReview, writeReview } from './review.ts';
export { MAX_BODY_BYTES, startWebhook } from './server.ts';
export {
  followWebhookSettings,
  NATIVE_SIDECARS,
  readWebhookSettings,
  type SettingsFacts,
  type SettingsFileOptions,
  supportsNativeSidecars,
} from './settings-file.ts';
export {
  findUninjected,
  type KubePod,
  reportUninjected,
  type UninjectedContext,
  type UninjectedWorkload,
  workloadOf,
} from './uninjected.ts';
export { podReader, type SearchContext, searchUninjected } from './uninjected-search.ts';

import type { AnswerSink, QuestionHandler } from '../discovery/index.ts';
import { errorMessage, internalError, WeftError } from '../errors/index.ts';
import type { ProxyRecords, RecordQuery } from '../model/index.ts';
import type { DestinationSource, UnderWay } from '../proxy/index.ts';
import type { Clock } from '../time/index.ts';
import type { MeshTls } from '../tls/index.ts';
import type { CoreView, FromCore, ToCore } from './messages.ts';

/** The first core, as another sees it. */
export interface FirstCore {
  postMessage(message: FromCore): void;
  on(event: 'message', heard: (message: ToCore) => void): unknown;
}

/** The data plane on this core, as far as a core needs it. */
export interface CorePlane {
  apply(resource: Extract<ToCore, { type: 'apply' }>['resource']): string | undefined;
  listen(outbound: number, inbound: number): void;
  drain(): void;
  /** See the messages of these names. */
  accept(on: boolean): void;
  takeOver(): void;
  close(all: boolean): void;
  /** Of a gateway: which it serves now. */
  serve(names: readonly string[]): void;
  /** Answers what is asked of this thread. */
  readonly questions: QuestionHandler;
  metrics(): string;
  view(view: CoreView): unknown;
  /** Resolves when nothing waits any more for a collector or a file, or that has taken too long. */
  end(): Promise<void>;
  requests(query: RecordQuery): ProxyRecords;
  underWay(): UnderWay;
  setLogging(level: string | undefined, access: string | undefined): void;
}

const tellEveryMs = 100;

/** Runs a core beside the first one: does what that says, and tells what its data plane wants. */
export function runCore(
  first: FirstCore,
  clock: Clock,
  tls: MeshTls,
  makePlane: (source: DestinationSource) => CorePlane,
): void {
  const plane = makePlane({
    want: key => first.postMessage({ type: 'want', key }),
    forget: key => first.postMessage({ type: 'forget', key }),
  });
  const obey = (message: ToCore): void => {
    switch (message.type) {
      case 'credentials':
        tls.update(message.credentials);
        return;
      case 'apply':
        // The first core has had the same and answered for it.
        plane.apply(message.resource);
        return;
      case 'listen':
        plane.listen(message.outbound, message.inbound);
        first.postMessage({ type: 'listening' });
        return;
      case 'serve':
        plane.serve(message.names);
        return;
      case 'drain':
        plane.drain();
        return;
      case 'accept':
        plane.accept(message.on);
        return;
      case 'take-over':
        plane.takeOver();
        return;
      case 'close':
        plane.close(message.all);
        return;
      case 'metrics':
        first.postMessage({ type: 'reply', id: message.id, value: plane.metrics() });
        return;
      case 'view':
        first.postMessage({ type: 'reply', id: message.id, value: plane.view(message.view) });
        return;
      case 'end': {
        const ended = (): void => first.postMessage({ type: 'reply', id: message.id, value: undefined });
        plane.end().then(ended, (thrown: unknown) => {
          internalError('cores.end', thrown);
          ended();
        });
        return;
      }
      case 'ask': {
        const { id } = message;
        const sink: AnswerSink = {
          said: (items, left) => first.postMessage({ type: 'said', id, items, left }),
          done: error => first.postMessage({ type: 'done', id, ...(error !== undefined && { error }) }),
        };
        plane.questions.ask(message, sink);
        return;
      }
      case 'unask':
        plane.questions.unask(message.id);
        return;
      case 'unask-all':
        plane.questions.over();
        return;
      case 'requests':
        first.postMessage({ type: 'reply', id: message.id, value: plane.requests(message.query) });
        return;
      case 'logging':
        plane.setLogging(message.level, message.access);
        return;
    }
  };
  first.on('message', message => {
    try {
      obey(message);
    } catch (error) {
      // Without listeners or a certificate this core would be dead weight. Everything else it has done without before.
      if (message.type !== 'listen' && message.type !== 'credentials') {
        internalError('cores.message', error);
        return;
      }
      const code = error instanceof WeftError ? error.code : 'core-failed';
      first.postMessage({ type: 'failed', code, message: errorMessage(error) });
    }
  });
  let last = '';
  clock.every(tellEveryMs, () => {
    const underWay = plane.underWay();
    const text = JSON.stringify(underWay);
    if (text !== last) first.postMessage({ type: 'under-way', underWay });
    last = text;
  });
}

// time: the only place that asks the machine what time it is. Everything that waits takes a Clock, so that tests
// turn a FakeClock by hand. The data plane's coarse per-request deadlines live in TimerWheel.
export { Backoff, type BackoffTimes } from './backoff.ts';
export { type Cancel, type Clock, systemClock } from './clock.ts';
export { FakeClock } from './fake-clock.ts';
export { Deadline, TimerWheel } from './timer-wheel.ts';
export { type BucketSize, perSecond, TokenBucket } from './token-bucket.ts';

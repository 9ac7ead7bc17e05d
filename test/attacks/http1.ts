// The published framing attacks that Weft's HTTP/1 codec is held to, with where each was published.
export { answerAttacks } from './answers.ts';
export type { AnswerAttack, Attack } from './attack.ts';
export { harmlessRequests, requestAttacks } from './requests.ts';

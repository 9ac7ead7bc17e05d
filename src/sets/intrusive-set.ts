/** What a member's seat is while it is in no set. */
export const NO_SEAT = -1;

/**
 * A set whose members know their place in it, in the field `Seat` of theirs: NO_SEAT at first, and nobody else's to change. A
 * member that may be in two sets at once has a field for each.
 *
 * For what comes and goes with connections and requests. A Set or Map makes itself a new table again and again while members
 * come and go, and V8 keeps a way from each old table to the next, for loops that are under way. Once one such table has become
 * old, everything that was ever in those behind it outlives young collections until a full one: all connections that are over,
 * with all that belongs to them.
 */
export class IntrusiveSet<Seat extends PropertyKey, Member extends Record<Seat, number>> {
  readonly #seat: Seat;
  /** Never shorter than it once was, so that it is not made anew: what is free at its end is undefined. */
  readonly #members: (Member | undefined)[] = [];
  #size = 0;

  /** `seat`: the name of that field. */
  constructor(seat: Seat) {
    this.#seat = seat;
  }

  get size(): number {
    return this.#size;
  }

  has(member: Member): boolean {
    return this.#members[member[this.#seat]] === member;
  }

  /** Does nothing when it is a member already. */
  add(member: Member): void {
    if (this.has(member)) return;
    this.#put(member, this.#size++);
  }

  /** Whether it was a member. */
  delete(member: Member): boolean {
    if (!this.has(member)) return false;
    const seat = member[this.#seat];
    const last = this.#members[--this.#size]!;
    this.#members[this.#size] = undefined;
    if (last !== member) this.#put(last, seat);
    this.#leave(member);
    return true;
  }

  clear(): void {
    for (const member of this) this.delete(member);
  }

  /** The members as they are now: what a loop does to the set does not change what it goes through. */
  [Symbol.iterator](): IterableIterator<Member> {
    return (this.#members.slice(0, this.#size) as Member[]).values();
  }

  #put(member: Member, seat: number): void {
    this.#members[seat] = member;
    (member as Record<Seat, number>)[this.#seat] = seat;
  }

  #leave(member: Member): void {
    (member as Record<Seat, number>)[this.#seat] = NO_SEAT;
  }
}

/** Tells dead hosts from living ones by whether their heart-beat goes on. Pure. */

export interface HostWatch {
  /**
   * Takes in what was seen now; gives those that have not beaten for too long.
   * @param beats each host's last heart-beat, as something that changes with each
   * @param nowMs of a clock that only goes forward
   */
  observe<Seen extends { hostId: string, beat: string }> (beats: readonly Seen[], nowMs: number): Seen[]
}

/**
 * A beat is compared with the one seen before, never with a clock: whoever sets a clock, the database's or a host's,
 * kills nobody and keeps nobody alive. A host that was never seen before gets the whole time.
 * @param staleMs without a new beat for this long, watched without a break, a host is dead
 * @param maxGapMs after a longer pause between two looks (this process was held up) the time begins anew
 */
export function createHostWatch ({ staleMs, maxGapMs }: { staleMs: number, maxGapMs: number }): HostWatch {
  let seen = new Map<string, { beat: string, sinceMs: number }>()
  let lookedMs = Number.NEGATIVE_INFINITY
  return {
    observe (beats, nowMs) {
      const wasHeldUp = nowMs - lookedMs > maxGapMs
      lookedMs = nowMs
      seen = new Map(beats.map(({ hostId, beat }) => {
        const before = seen.get(hostId)
        return [hostId, before?.beat === beat && !wasHeldUp ? before : { beat, sinceMs: nowMs }]
      }))
      return beats.filter(({ hostId }) => nowMs - (seen.get(hostId)?.sinceMs ?? nowMs) >= staleMs)
    }
  }
}

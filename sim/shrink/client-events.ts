/**
 * What clients saw, kept so that it can be cut back: a judge's history only grows, but whoever restores a snapshot has
 * to forget what was seen since. Events are told to the judge again when the history is to be judged.
 */
import type { Judge, Violation } from '../run/judge.js'
import type { Listener } from '../world/listener.js'

/** One call, return or abandonment. Never changed, so that many histories may share it. */
export interface ClientEvent {
  readonly kind: 'call' | 'return' | 'abandon'
  readonly client: number
  readonly position: number
  /** What was answered; empty but for a return. */
  readonly content: Uint8Array
}

const nothing = new Uint8Array(0)

/** Listens to a world and collects. Cut it back by setting `events.length`. */
export class ClientEvents implements Listener {
  readonly events: ClientEvent[] = []
  /** Returns among the events since the last look; only they can break a history. */
  returned = false

  call(client: number, position: number): void {
    this.events.push({ kind: 'call', client, position, content: nothing })
  }
  return(client: number, position: number, memory: DataView, at: number, length: number): void {
    const content = new Uint8Array(memory.buffer, memory.byteOffset + at, length).slice()
    this.events.push({ kind: 'return', client, position, content })
    this.returned = true
  }
  abandon(client: number, position: number): void {
    this.events.push({ kind: 'abandon', client, position, content: nothing })
  }
}

/** Judges a history as if the judge had seen it happen. Forgets what the judge remembered before. */
export function judgeHistory(judge: Judge, events: readonly ClientEvent[]): Violation | undefined {
  if (judge.historyProperty === undefined) return undefined
  tellHistory(judge, events)
  return judge.finish()
}

/** Makes a judge remember this history, and nothing else. */
export function tellHistory(judge: Judge, events: readonly ClientEvent[]): void {
  judge.reset()
  for (const { kind, client, position, content } of events) {
    switch (kind) {
      case 'call':
        judge.call(client, position)
        break
      case 'return':
        judge.return(
          client,
          position,
          new DataView(content.buffer, content.byteOffset, content.byteLength),
          0,
          content.byteLength,
        )
        break
      case 'abandon':
        judge.abandon(client)
        break
    }
  }
}

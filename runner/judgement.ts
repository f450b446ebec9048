/** Judges what a cluster of processes has done: what clients saw, and the memories of all replicas when all is quiet. */
import type { NodeId, Observer, StructLayout, SystemModel, ViewOf } from '../protocol/index.js'
import { HistoryRecorder, checkLinearizable } from '../sim/index.js'
import type { ClientEvent } from './order.js'

export interface Dump {
  readonly state: Uint8Array
  readonly regions: readonly Uint8Array[]
}

export interface Judged {
  /** Invariants that do not hold, with the reason. */
  readonly broken: readonly { readonly name: string; readonly reason: string }[]
  readonly goalReached: boolean
  /** Whether what clients saw can be explained; `unknown`: the search was cut off, `none`: there is no history. */
  readonly history: 'linearizable' | 'violated' | 'unknown' | 'none'
  readonly historyReason: string | undefined
  readonly operations: number
  readonly unknown: number
}

/** Nodes of which nothing is known are down. */
export class DumpObserver implements Observer {
  readonly nodes: number
  readonly clientsBusy: number
  readonly #views: (readonly DataView[] | undefined)[]
  readonly #incarnations: readonly number[]

  constructor(dumps: readonly (Dump | undefined)[], incarnations: readonly number[], clientsBusy: number) {
    this.nodes = dumps.length
    this.clientsBusy = clientsBusy
    this.#incarnations = incarnations
    this.#views = dumps.map((dump) =>
      dump === undefined ? undefined : [dump.state, ...dump.regions].map((bytes) => viewOf(bytes)),
    )
  }
  hasChanged(): boolean {
    return true
  }
  isUp(node: NodeId): boolean {
    return this.#views[node] !== undefined
  }
  isPaused(): boolean {
    return false
  }
  incarnation(node: NodeId): number {
    return this.#incarnations[node] ?? 0
  }
  state<L extends StructLayout>(node: NodeId, layout: L): ViewOf<L> {
    return layout.view(this.#views[node]![0]!) as ViewOf<L>
  }
  region<L extends StructLayout>(node: NodeId, region: number, layout: L): ViewOf<L> {
    return layout.view(this.#views[node]![1 + region]!) as ViewOf<L>
  }
}

/** Structured clones come back with buffers of their own or with views into larger ones. */
function viewOf(bytes: Uint8Array): DataView {
  const copy = new Uint8Array(bytes)
  return new DataView(copy.buffer)
}

export function goalIsReached(model: SystemModel, observer: Observer): boolean {
  return model.spec.goal.reached(observer)
}

export function judge(
  model: SystemModel,
  observer: Observer,
  histories: ReadonlyMap<number, readonly ClientEvent[]>,
): Judged {
  const broken = model.spec.invariants.flatMap(({ name, check }) => {
    const reason = check(observer)
    return reason === undefined ? [] : [{ name, reason }]
  })
  const seen = judgeHistory(model, histories)
  return {
    broken,
    goalReached: goalIsReached(model, observer),
    history: seen?.verdict ?? 'none',
    historyReason: seen?.reason,
    operations: seen?.operations ?? 0,
    unknown: seen?.unknown ?? 0,
  }
}

export interface JudgedHistory {
  readonly verdict: 'linearizable' | 'violated' | 'unknown'
  readonly reason: string | undefined
  readonly operations: number
  /** Operations of unknown outcome. */
  readonly unknown: number
}

/** What clients saw, if the system says what they may see. */
export function judgeHistory(
  model: SystemModel,
  histories: ReadonlyMap<number, readonly ClientEvent[]>,
): JudgedHistory | undefined {
  const { history } = model.spec
  if (history === undefined) return undefined
  const events = [...histories].flatMap(([client, its]) => its.map((event) => ({ client, ...event })))
  // What ended before it began elsewhere is before it: one machine has one monotonic clock.
  events.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  const recorder = new HistoryRecorder<unknown, unknown>()
  let unknown = 0
  for (const { client, kind, operation, reply } of events) {
    const request = model.workload!.clients[client]!.script[operation]!
    if (kind === 'call') recorder.call(client, history.decodeRequest(request, client))
    else if (kind === 'abandon') {
      recorder.abandon(client)
      unknown++
    } else {
      const bytes = new Uint8Array(reply!)
      const view = new DataView(bytes.buffer)
      recorder.return(client, history.decodeReply(view, 0, bytes.length))
    }
  }
  const operations = recorder.operations()
  const result = checkLinearizable(operations, history.model)
  return {
    verdict: result.verdict,
    reason: result.verdict === 'linearizable' ? undefined : result.sentence,
    operations: operations.length,
    unknown,
  }
}

/** Messages between servers. The first byte is the kind; each kind has its layout. */
import type { Host, NodeId } from '../contract.js'
import { clear, enumeration, struct, u32 } from '../layout/index.js'

export const messageKind = enumeration(['prepare', 'promise', 'accept', 'accepted', 'nack', 'ask', 'decided'])

/** Phase 1 (a): "promise to ignore lower ballots, and tell me what you have accepted". */
const prepare = struct({ kind: messageKind, ballot: u32 })
/** Phase 1 (b): the promise, with the accepted proposal of the highest ballot, if any. */
const promise = struct({ kind: messageKind, ballot: u32, acceptedBallot: u32, acceptedValue: u32 })
/** Phase 2 (a). */
const accept = struct({ kind: messageKind, ballot: u32, value: u32 })
/** Phase 2 (b). */
const accepted = struct({ kind: messageKind, ballot: u32 })
/** "Your ballot is too low: I have promised another." */
const nack = struct({ kind: messageKind, ballot: u32, promised: u32 })
/** "Do you know the decision?" */
const ask = struct({ kind: messageKind })
const decided = struct({ kind: messageKind, value: u32 })

export const layouts = { prepare, promise, accept, accepted, nack, ask, decided } as const
export const messageBytes = Math.max(...Object.values(layouts).map((layout) => layout.sizeBytes))

export type PostOffice = ReturnType<typeof openPostOffice>

/** One function for each kind of message: builds it at the front of `output` and sends it. */
export function openPostOffice(host: Host, output: DataView) {
  const views = {
    prepare: prepare.view(output),
    promise: promise.view(output),
    accept: accept.view(output),
    accepted: accepted.view(output),
    nack: nack.view(output),
    ask: ask.view(output),
    decided: decided.view(output),
  }
  const { code } = messageKind

  return {
    prepare(to: NodeId, ballot: number): void {
      clear(prepare, views.prepare)
      views.prepare.kind = code.prepare
      views.prepare.ballot = ballot
      host.send(to, 0, prepare.sizeBytes)
    },
    promise(to: NodeId, ballot: number, acceptedBallot: number, acceptedValue: number): void {
      clear(promise, views.promise)
      views.promise.kind = code.promise
      views.promise.ballot = ballot
      views.promise.acceptedBallot = acceptedBallot
      views.promise.acceptedValue = acceptedValue
      host.send(to, 0, promise.sizeBytes)
    },
    accept(to: NodeId, ballot: number, value: number): void {
      clear(accept, views.accept)
      views.accept.kind = code.accept
      views.accept.ballot = ballot
      views.accept.value = value
      host.send(to, 0, accept.sizeBytes)
    },
    accepted(to: NodeId, ballot: number): void {
      clear(accepted, views.accepted)
      views.accepted.kind = code.accepted
      views.accepted.ballot = ballot
      host.send(to, 0, accepted.sizeBytes)
    },
    nack(to: NodeId, ballot: number, promised: number): void {
      clear(nack, views.nack)
      views.nack.kind = code.nack
      views.nack.ballot = ballot
      views.nack.promised = promised
      host.send(to, 0, nack.sizeBytes)
    },
    ask(to: NodeId): void {
      clear(ask, views.ask)
      views.ask.kind = code.ask
      host.send(to, 0, ask.sizeBytes)
    },
    decided(to: NodeId, value: number): void {
      clear(decided, views.decided)
      views.decided.kind = code.decided
      views.decided.value = value
      host.send(to, 0, decided.sizeBytes)
    },
  }
}

/** 'promise ballot=33 accepted=32:v7' */
export function describeMessage(memory: DataView, at: number): string {
  const name = messageKind.nameOf(memory.getUint8(at))
  switch (name) {
    case 'prepare':
    case 'accepted':
      return `${name} ballot=${layouts[name].view(memory, at).ballot}`
    case 'promise': {
      const view = promise.view(memory, at)
      const proposal = view.acceptedBallot === 0 ? 'none' : `${view.acceptedBallot}:v${view.acceptedValue}`
      return `${name} ballot=${view.ballot} accepted=${proposal}`
    }
    case 'accept': {
      const view = accept.view(memory, at)
      return `${name} ballot=${view.ballot} value=v${view.value}`
    }
    case 'nack': {
      const view = nack.view(memory, at)
      return `${name} ballot=${view.ballot} promised=${view.promised}`
    }
    case 'ask':
      return name
    case 'decided':
      return `${name} value=v${decided.view(memory, at).value}`
  }
}

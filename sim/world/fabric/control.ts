/**
 * Control calls: changes of the state or the rights of one end of a queue pair, asked for, in effect, and then reported.
 *
 * Rules (see `rule-book.ts`): checked-transitions, reset-swallows, accepted-stays.
 */
import { Control, InvariantViolation, Status } from '../../../protocol/index.js'
import type { Fabric } from './fabric.js'
import {
  EndState,
  type Flow,
  connectionAt,
  controlArgumentAt,
  controlChangeAt,
  controlPhaseAt,
  controlStatusAt,
  controlTokenAt,
  expectedPsnAt,
  rightsAt,
  sentPsnAt,
  stateAt,
} from './flow.js'

export class ControlCalls {
  readonly #fabric: Fabric
  readonly #words: Uint32Array
  /** Outcome of the call that was finished last. */
  token = 0
  status: Status = Status.ok

  constructor(fabric: Fabric) {
    this.#fabric = fabric
    this.#words = fabric.world.memory.words
  }

  ask(flow: Flow, change: number, argument: number, token: number): void {
    const words = this.#words
    if (words[flow.endBase + controlPhaseAt] !== 0)
      throw new InvariantViolation(`one control call at a time may be under way at ${flow.name}`)
    words[flow.endBase + controlPhaseAt] = 1
    words[flow.endBase + controlChangeAt] = change
    words[flow.endBase + controlArgumentAt] = argument
    words[flow.endBase + controlTokenAt] = token
    this.#fabric.world.touch(flow.end.index)
  }
  phase(flow: Flow): number {
    return this.#words[flow.endBase + controlPhaseAt]!
  }

  /** The change takes effect, if the state machine allows it. */
  apply(flow: Flow): void {
    const words = this.#words
    const base = flow.endBase
    const change = words[base + controlChangeAt]!
    const argument = words[base + controlArgumentAt]!
    words[base + controlPhaseAt] = 2
    this.#fabric.world.touch(flow.end.index)
    if (this.#fabric.rules.checkedTransitions && !isLegal(words[base + stateAt]!, change)) {
      words[base + controlStatusAt] = Status.invalidTransition
      return
    }
    switch (change) {
      case Control.rights:
        words[base + rightsAt] = argument
        if (!this.#fabric.rules.acceptedStays) this.#fabric.accepted.drop(this.#fabric.opposite(flow))
        return
      case Control.reset:
        this.#reset(flow, 0)
        return
      case Control.connect:
        this.#reset(flow, argument)
        words[base + stateAt] = EndState.readyToSend
        words[base + rightsAt] = this.#fabric.model.initialRights
        return
      case Control.init:
        words[base + stateAt] = EndState.init
        words[base + rightsAt] = this.#fabric.model.initialRights
        return
      case Control.readyToReceive:
        words[base + stateAt] = EndState.readyToReceive
        words[base + connectionAt] = argument
        this.#fabric.late.forget(this.#fabric.opposite(flow), argument)
        return
      case Control.readyToSend:
        words[base + stateAt] = EndState.readyToSend
        return
      case Control.drain:
        words[base + stateAt] = EndState.drained
        return
      case Control.error:
        this.#fabric.requester.flush(flow)
        words[base + stateAt] = EndState.error
        return
    }
  }

  #reset(flow: Flow, connection: number): void {
    const words = this.#words
    const base = flow.endBase
    const incoming = this.#fabric.opposite(flow)
    if (this.#fabric.rules.resetSwallows) this.#fabric.requester.dropQueue(flow)
    else this.#fabric.requester.flush(flow)
    words[base + stateAt] = EndState.reset
    words[base + connectionAt] = connection
    words[base + sentPsnAt] = 0
    words[base + expectedPsnAt] = 0
    this.#fabric.responder.dropReceived(incoming)
    this.#fabric.accepted.mute(incoming)
    if (!this.#fabric.rules.acceptedStays) this.#fabric.accepted.drop(incoming)
    this.#fabric.late.forget(incoming, connection)
  }

  /** Forgets the control call that has taken effect; its outcome is left in `token` and `status`. */
  finish(flow: Flow): void {
    const words = this.#words
    this.token = words[flow.endBase + controlTokenAt]!
    this.status = words[flow.endBase + controlStatusAt]! as Status
    words.fill(0, flow.endBase + controlPhaseAt, flow.endBase + controlStatusAt + 1)
    this.#fabric.world.touch(flow.end.index)
  }
}

/** The kernel's table of transitions for RC (`ibv_modify_qp(3)`); rights may also change in INIT, RTS and SQD. */
function isLegal(state: number, change: number): boolean {
  switch (change) {
    case Control.rights:
      return state === EndState.init || state === EndState.readyToSend || state === EndState.drained
    case Control.init:
      return state === EndState.reset
    case Control.readyToReceive:
      return state === EndState.init
    case Control.readyToSend:
      return state === EndState.readyToReceive || state === EndState.readyToSend || state === EndState.drained
    case Control.drain:
      return state === EndState.readyToSend
    case Control.error:
      return state !== EndState.reset
    default:
      return true
  }
}

/**
 * Role machines: the single source of which role changes are legal.
 *
 * A definition is plain data in the shape of an xstate machine. The core consults the table compiled from it; the
 * browser, the runner and the tests instantiate the same data with xstate.
 */
import { invariant, InvariantViolation } from './invariant.js'
import { enumeration } from './layout/index.js'
import type { EnumerationLayout } from './layout/index.js'

/** A machine as plain data: states, and for each the events that lead on. */
export interface RoleDefinition {
  readonly id: string
  readonly initial: string
  readonly states: {
    readonly [state: string]: { readonly on?: { readonly [event: string]: string } }
  }
}

type StateOf<D extends RoleDefinition> = keyof D['states'] & string

type EventOf<D extends RoleDefinition> = {
  [S in keyof D['states']]: D['states'][S] extends { readonly on: infer On } ? keyof On & string : never
}[keyof D['states']]

/** Every target must be a state of the same definition. */
type Closed<D extends RoleDefinition> = {
  readonly initial: StateOf<D>
  readonly states: {
    readonly [S in keyof D['states']]: { readonly on?: { readonly [event: string]: StateOf<D> } }
  }
}

export interface Roles<D extends RoleDefinition> {
  readonly id: string
  /** The plain data, for `createMachine` of xstate. */
  readonly definition: D
  /** The layout of a field that holds a role: one byte, with the codes of `states`. */
  readonly layout: EnumerationLayout<StateOf<D>>
  /** The code of each state: its position in the definition. */
  readonly states: { readonly [S in StateOf<D>]: number }
  /** The code of each event: its position in the order of first mention. */
  readonly events: { readonly [E in EventOf<D>]: number }
  readonly stateNames: readonly StateOf<D>[]
  readonly eventNames: readonly EventOf<D>[]
  readonly initial: number
  /** The state that an event leads to. An event that the state does not take throws InvariantViolation. */
  next(state: number, event: number): number
  /** Whether the state takes the event. */
  accepts(state: number, event: number): boolean
  /** Whether some event leads from one state straight to the other. */
  mayChange(from: number, to: number): boolean
}

const ILLEGAL = 255

/** Compiles a definition. Throws InvariantViolation for one that names a state it does not have. */
export function defineRoles<const D extends RoleDefinition>(definition: D & Closed<D>): Roles<D> {
  const data: RoleDefinition = definition
  const stateNames = Object.keys(data.states) as StateOf<D>[]
  const eventNames = [
    ...new Set(Object.values(data.states).flatMap((state) => Object.keys(state.on ?? {}))),
  ] as EventOf<D>[]
  invariant(stateNames.length < ILLEGAL, `${data.id}: a role machine has fewer than ${ILLEGAL} states`)

  const codeOf = (name: string): number => {
    const code = stateNames.indexOf(name)
    invariant(code >= 0, `${data.id}: ${name} must be one of its states`)
    return code
  }
  const eventCount = eventNames.length
  const table = new Uint8Array(stateNames.length * eventCount).fill(ILLEGAL)
  for (const [state, name] of stateNames.entries()) {
    for (const [event, target] of Object.entries(data.states[name]?.on ?? {})) {
      table[state * eventCount + eventNames.indexOf(event as EventOf<D>)] = codeOf(target)
    }
  }

  const lookUp = (state: number, event: number): number =>
    event >= 0 && event < eventCount ? (table[state * eventCount + event] ?? ILLEGAL) : ILLEGAL
  const refuse = (state: number, event: number): never => {
    const stateName = stateNames[state] ?? `state ${state}`
    const eventName = eventNames[event] ?? `event ${event}`
    throw new InvariantViolation(`${data.id}: ${stateName} does not take ${eventName}`)
  }
  const layout = enumeration(stateNames)
  return {
    id: data.id,
    definition,
    layout,
    states: layout.code,
    events: Object.fromEntries(eventNames.map((name, code) => [name, code])),
    stateNames,
    eventNames,
    initial: codeOf(data.initial),
    next: (state, event) => {
      const target = lookUp(state, event)
      return target === ILLEGAL ? refuse(state, event) : target
    },
    accepts: (state, event) => lookUp(state, event) !== ILLEGAL,
    mayChange: (from, to) => eventNames.some((_, event) => lookUp(from, event) === to),
  }
}

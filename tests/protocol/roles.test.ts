import { describe, expect, expectTypeOf, test } from 'vitest'
import { createMachine } from 'xstate'
import { adjacencyMapToArray, getAdjacencyMap, getShortestPaths } from 'xstate/graph'
import { InvariantViolation } from '../../protocol/invariant.js'
import { defineRoles } from '../../protocol/roles.js'

const replicaRoles = defineRoles({
  id: 'replica',
  initial: 'follower',
  states: {
    follower: { on: { suspect: 'candidate', hear: 'follower' } },
    candidate: { on: { suspect: 'candidate', win: 'leader', hear: 'follower' } },
    leader: { on: { hear: 'follower', stop: 'stopped' } },
    stopped: {},
  },
})
const { stateNames, eventNames } = replicaRoles

/** What is used of xstate's steps; its own types are lost on the way through `getAdjacencyMap`. */
interface XstateStep {
  readonly state: { readonly value: (typeof stateNames)[number]; can(event: XstateStep['event']): boolean }
  readonly event: { readonly type: (typeof eventNames)[number] }
  readonly nextState: { readonly value: (typeof stateNames)[number] }
}

describe('a role machine', () => {
  test('agrees with xstate on every event in every state, legal or not', () => {
    const events = eventNames.map((type) => ({ type }))
    const map = getAdjacencyMap(createMachine(replicaRoles.definition), { events })
    const steps = adjacencyMapToArray(map) as unknown as XstateStep[]
    expect(new Set(steps.map((step) => step.state.value))).toEqual(new Set(stateNames))
    expect(steps).toHaveLength(stateNames.length * eventNames.length)
    for (const { state, event, nextState } of steps) {
      const [from, by] = [stateNames.indexOf(state.value), eventNames.indexOf(event.type)]
      expect(replicaRoles.accepts(from, by)).toBe(state.can(event))
      if (state.can(event)) {
        expect(stateNames[replicaRoles.next(from, by)]).toBe(nextState.value)
      } else {
        expect(nextState.value).toBe(state.value)
        const refusal = new InvariantViolation(`replica: ${state.value} does not take ${event.type}`)
        expect(() => replicaRoles.next(from, by)).toThrow(refusal)
      }
    }
  })

  test('reaches every state by the shortest paths that xstate finds', () => {
    const paths = getShortestPaths(createMachine(replicaRoles.definition), {
      events: eventNames.map((type) => ({ type })),
    })
    for (const path of paths) {
      let state = replicaRoles.initial
      // The first step of a path is xstate's own `xstate.init`.
      for (const { event } of path.steps.slice(1)) {
        state = replicaRoles.next(state, eventNames.indexOf(event.type as (typeof eventNames)[number]))
      }
      expect(stateNames[state]).toBe(path.state.value)
    }
    expect(new Set(paths.map((path) => path.state.value))).toEqual(new Set(stateNames))
  })

  test('numbers its states as the layout of a role field does', () => {
    expect(replicaRoles.states).toEqual({ follower: 0, candidate: 1, leader: 2, stopped: 3 })
    expect(replicaRoles.layout.code).toEqual(replicaRoles.states)
    expect(replicaRoles.layout.nameOf(replicaRoles.states.leader)).toBe('leader')
    expect(replicaRoles.events).toEqual({ suspect: 0, hear: 1, win: 2, stop: 3 })
    expectTypeOf(replicaRoles.events).toEqualTypeOf<{
      readonly suspect: number
      readonly hear: number
      readonly win: number
      readonly stop: number
    }>()
    expectTypeOf(stateNames).toEqualTypeOf<readonly ('follower' | 'candidate' | 'leader' | 'stopped')[]>()
  })

  test('says which direct changes are legal', () => {
    const { follower, candidate, leader, stopped } = replicaRoles.states
    expect(replicaRoles.mayChange(candidate, leader)).toBe(true)
    expect(replicaRoles.mayChange(follower, leader)).toBe(false)
    expect(replicaRoles.mayChange(stopped, follower)).toBe(false)
    expect(replicaRoles.mayChange(9, follower)).toBe(false)
  })

  test('refuses codes that are not its own', () => {
    for (const [state, event] of [
      [9, 0],
      [0, 9],
      [1, -1],
      [-1, 1],
      [NaN, 0],
    ] as const) {
      expect(() => replicaRoles.next(state, event)).toThrow(InvariantViolation)
    }
  })

  test('refuses a definition that leads out of it', () => {
    const open = { id: 'x', initial: 'a', states: { a: { on: { go: 'b' } } } } as const
    // @ts-expect-error `b` is not a state
    expect(() => defineRoles(open)).toThrow('x: b must be one of its states')
    const lost = { id: 'x', initial: 'z', states: { a: {} } } as const
    // @ts-expect-error `z` is not a state
    expect(() => defineRoles(lost)).toThrow('x: z must be one of its states')
  })
})

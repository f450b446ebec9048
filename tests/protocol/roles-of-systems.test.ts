/** The role machines of the systems, taken as xstate machines: the same definition, walked by its graph tools. */
import { describe, expect, it } from 'vitest'
import { createMachine } from 'xstate'
import { getAdjacencyMap, getShortestPaths } from 'xstate/graph'
import { linkStates, replicaRoles } from '../../protocol/apus/roles.js'
import { serverRoles } from '../../protocol/paxos/roles.js'
import * as registerRoles from '../../protocol/rdma-register/roles.js'
import { managerRoles, resourceRoles } from '../../protocol/two-phase-commit/roles.js'

/** What is used of xstate's states; their own types are lost on the way through `getAdjacencyMap`. */
interface XstateState {
  readonly value: string
  can(event: { readonly type: string }): boolean
}

const machines = { managerRoles, resourceRoles, serverRoles, replicaRoles, linkStates, ...registerRoles }

describe('the table that a core consults is the machine that people see', () => {
  for (const [name, roles] of Object.entries(machines)) {
    const events = roles.eventNames.map((type) => ({ type }))
    it(`${name}: every role change of the table is one of the machine, and no other`, () => {
      const map = getAdjacencyMap(createMachine(roles.definition), { events })
      for (const { state } of Object.values(map) as unknown as readonly { readonly state: XstateState }[]) {
        const from = (roles.stateNames as readonly string[]).indexOf(state.value)
        expect(from).toBeGreaterThanOrEqual(0)
        roles.eventNames.forEach((type, event) => {
          expect(roles.accepts(from, event)).toBe(state.can({ type }))
        })
      }
    })
    it(`${name}: every role is reached`, () => {
      const paths = getShortestPaths(createMachine(roles.definition), { events })
      expect(new Set(paths.map((path) => path.state.value))).toEqual(new Set(roles.stateNames))
    })
  }
})

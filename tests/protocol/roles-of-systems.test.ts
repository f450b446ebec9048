/** The role machines of the systems, taken as xstate machines: the same definition, walked by its graph tools. */
import { describe, expect, it } from 'vitest'
import { createMachine } from 'xstate'
import { getAdjacencyMap, getShortestPaths } from 'xstate/graph'
import { serverRoles } from '../../protocol/paxos/roles.js'
import * as registerRoles from '../../protocol/rdma-register/roles.js'
import { managerRoles, resourceRoles } from '../../protocol/two-phase-commit/roles.js'

const machines = { managerRoles, resourceRoles, serverRoles, ...registerRoles }

describe('the table that a core consults is the machine that people see', () => {
  for (const [name, roles] of Object.entries(machines)) {
    const events = roles.eventNames.map((type) => ({ type }))
    it(`${name}: every role change of the table is one of the machine, and no other`, () => {
      const map = getAdjacencyMap(createMachine(roles.definition), { events })
      for (const { state } of Object.values(map)) {
        const from = roles.stateNames.indexOf(state.value as never)
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

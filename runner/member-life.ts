/** The life of a member: which states it goes through, and by what. */
import { assign, setup } from 'xstate'

export const memberLife = setup({
  types: {
    context: {} as { reason: string | undefined },
    events: {} as
      | { type: 'OPENED' }
      | { type: 'DECIDED' }
      | { type: 'STARTED' }
      | { type: 'STOP' }
      | { type: 'STOPPED' }
      | { type: 'FAIL'; reason: string },
  },
}).createMachine({
  id: 'member',
  initial: 'opening',
  context: { reason: undefined },
  on: { FAIL: { target: '.failed', actions: assign({ reason: ({ event }) => event.reason }) } },
  states: {
    /** Takes its address and its folder. */
    opening: { on: { OPENED: 'meeting', STOP: 'stopped' } },
    /** Waits for those that it must know to decide which incarnation this is. */
    meeting: { on: { DECIDED: 'starting', STOP: 'stopped' } },
    /** The core waits for its fabric. */
    starting: { on: { STARTED: 'running', STOP: 'leaving' } },
    running: { on: { STOP: 'leaving' } },
    leaving: { on: { STOPPED: 'stopped' } },
    stopped: { type: 'final' },
    failed: { type: 'final' },
  },
})

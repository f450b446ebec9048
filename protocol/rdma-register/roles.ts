/** The roles of writer and readers, and the states of either end of a connection. */
import { defineRoles } from '../roles.js'

export const writerRoles = defineRoles({
  id: 'register writer',
  initial: 'idle',
  states: {
    /** Every put is answered. */
    idle: { on: { PUBLISH: 'publishing', LOSE: 'reconnecting' } },
    /** Some put waits for acknowledgements or for a slot. */
    publishing: { on: { SETTLE: 'idle', LOSE: 'reconnecting' } },
    /** Some reader's connection is being renewed; puts wait for that reader. */
    reconnecting: { on: { SETTLE: 'idle', RESUME: 'publishing' } },
  },
})

/** The writer's end of the connection to one reader. The first connection exists from the start. */
export const writerLinks = defineRoles({
  id: 'register writer link',
  initial: 'up',
  states: {
    up: { on: { ASK: 'asking' } },
    /** connect was sent; the reader's end must be ready first. Asking anew is for a newer incarnation. */
    asking: { on: { READY: 'connecting', ASK: 'asking' } },
    connecting: { on: { CONNECTED: 'up' } },
  },
})

export const readerRoles = defineRoles({
  id: 'register reader',
  initial: 'blank',
  states: {
    /** Restarted with amnesia: it must not answer, for it may have served newer values than the initial one. */
    blank: { on: { BEGIN: 'serving', ACCEPT: 'serving' } },
    serving: { on: {} },
  },
})

/** The reader's end of the connection. */
export const readerLinks = defineRoles({
  id: 'register reader link',
  initial: 'open',
  states: {
    open: { on: { SEVER: 'severed', CONNECT: 'connecting' } },
    /** Restarted, or an acknowledgement failed: says hello until the writer asks for a new connection. */
    severed: { on: { CONNECT: 'connecting' } },
    connecting: { on: { CONNECTED: 'connected' } },
    /** Hears the writer, says ready until the writer hears it too. */
    connected: { on: { OPEN: 'open', CONNECT: 'connecting' } },
  },
})
